//! The checks of one code, in their order: cheap ones first, and one exact reason for each.

use types::{ReplyTo, ResidentId, SECOND_MS, Timestamp};

use super::{Pass, SKEW_MS, Verifier};
use crate::decode::{Claims, DecodedCode, Identity, decode_code};
use crate::issuer::CODE_LIFE_S;
use crate::keys::{KeyId, to_hex};
use crate::proof::{PROOF_LIFE_S, ProofClaims};
use crate::reader::{Assurance, StalePolicy};
use crate::replay::{Answer, CodeKey};
use crate::status::{CardStatus, StatusRef};
use crate::{Attribute, Reader, Refusal, RefusalReason, Shown, Verdict, VerifyRequest};

/// How a code that passed so far was shown, and until when this showing may be repeated.
pub(super) struct Showing {
    pub(super) shown: Shown,
    proof: Option<ProofClaims>,
}

impl Verifier {
    /// `holder` – whose code alone will do, if somebody was asked by name.
    pub(super) fn verify(
        &mut self,
        now: Timestamp,
        from: &ReplyTo,
        request: &VerifyRequest,
        holder: Option<ResidentId>,
    ) -> Result<Pass, Refusal> {
        let reader = self.reader(request.verifier);
        let refusals_max = reader.refusals_a_minute_max;
        if let Some(retry_at) = self.refusals.blocked_until(now, &request.verifier, refusals_max) {
            return Err(Refusal { retry_at: Some(retry_at), ..RefusalReason::RateLimited.into() });
        }
        let genuine = match request.code.0.parse() {
            Ok(spoken) => {
                let code = self.spoken.heard(now, request.verifier, spoken)?.clone();
                self.genuine(now, &code.0)
            }
            Err(_) => self.genuine(now, &request.code.0),
        };
        let (kid, code, claims, identity) = genuine?;
        let pass = self.check_showing(now, (from, request, holder), (kid, &code, &claims), &identity);
        // From here on the code is known to be somebody's.
        match &pass {
            Ok(pass) if pass.is_repeated => {}
            Ok(pass) => self.history.note_accepted(now, request.verifier, &identity, &pass.verdict),
            Err(refusal) => self.history.note_refused(now, request.verifier, &identity, refusal.reason),
        }
        pass
    }

    /// Takes a code apart that the issuer signed, and whose time it is.
    pub(super) fn genuine(
        &self,
        now: Timestamp,
        text: &str,
    ) -> Result<(KeyId, DecodedCode, Claims, Identity), RefusalReason> {
        let code = decode_code(text)?;
        let kid = self.check_issuer(now, &code)?;
        let mut claims = code.claims()?;
        check_times(now, claims.valid_from, claims.expires)?;
        let identity = claims.identity.take().ok_or(RefusalReason::ClaimMissing)?;
        Ok((kid, code, claims, identity))
    }

    /// The issuer's words are good: are they shown by whom, to whom, when and for what they may be?
    fn check_showing(
        &mut self,
        now: Timestamp,
        (from, request, holder): (&ReplyTo, &VerifyRequest, Option<ResidentId>),
        (kid, code, claims): (KeyId, &DecodedCode, &Claims),
        identity: &Identity,
    ) -> Result<Pass, Refusal> {
        let reader = self.reader(request.verifier);
        let showing = check_holder(now, reader, code, claims)?;
        check_audience(reader, request, showing.proof.as_ref())?;
        if holder.is_some_and(|holder| holder != identity.resident) {
            return Err(RefusalReason::AudienceMismatch.into());
        }
        let first_seen = self.check_replay(now, kid, claims, &showing, (from, request))?;
        let reader = self.reader(request.verifier);
        let unconfirmed = self.check_status(now, reader, claims.status.as_ref())?;
        self.ended.check(&self.pseudonyms, claims, identity)?;
        check_guardian(now, reader, identity)?;
        check_scope(reader, identity, request)?;
        let resident = identity.resident;
        // Whatever is told of the verifier itself is told as it was the first time.
        let told = first_seen.unwrap_or(now);
        let verdict = self.accepted(told, identity, claims, &showing, unconfirmed, request);
        Ok(Pass { verdict, resident, is_repeated: first_seen.is_some() })
    }

    /// The key must be known, in use, and have signed the code.
    fn check_issuer(&self, now: Timestamp, code: &DecodedCode) -> Result<KeyId, RefusalReason> {
        let (kid, key) = self.keys.find(now, code.kid()).ok_or(RefusalReason::IssuerUnknown)?;
        if !key.is_good(now) {
            return Err(RefusalReason::IssuerKeyRevoked);
        }
        if !code.is_signed_by(&key.key) {
            return Err(RefusalReason::SignatureInvalid);
        }
        Ok(kid)
    }

    /// A card may be shown again and again; everything else once. Says when it was first seen if this is
    /// the same request once more.
    fn check_replay(
        &mut self,
        now: Timestamp,
        kid: KeyId,
        claims: &Claims,
        showing: &Showing,
        (from, request): (&ReplyTo, &VerifyRequest),
    ) -> Result<Option<Timestamp>, Refusal> {
        if showing.shown == Shown::Card {
            return Ok(None);
        }
        let (code, expires) = showing.once(kid, claims);
        match self.seen.see(now, code, expires.plus_millis(SKEW_MS), from, request) {
            Answer::Fresh => Ok(None),
            Answer::SameRequest { first_seen } => Ok(Some(first_seen)),
            Answer::Replayed { first_seen } => {
                Err(Refusal { first_seen: Some(first_seen), ..RefusalReason::TokenReplayed.into() })
            }
            Answer::Full => Err(RefusalReason::TokenReplayed.into()),
        }
    }

    /// Says whether it could not be told if the card was revoked. What names no list lives too short for one.
    fn check_status(
        &self,
        now: Timestamp,
        reader: &Reader,
        reference: Option<&StatusRef>,
    ) -> Result<bool, RefusalReason> {
        let Some(reference) = reference else { return Ok(false) };
        let list = self.status.as_ref();
        match list.and_then(|list| list.of(reference)) {
            Some(CardStatus::Revoked) => Err(RefusalReason::CredentialRevoked),
            Some(CardStatus::Suspended) => Err(RefusalReason::CredentialSuspended),
            Some(CardStatus::Valid) if list.is_some_and(|list| list.is_fresh(now)) => Ok(false),
            _ if reader.stale_status == StalePolicy::Refuse => Err(RefusalReason::StatusStale),
            _ => Ok(true),
        }
    }

    fn accepted(
        &self,
        now: Timestamp,
        identity: &Identity,
        claims: &Claims,
        showing: &Showing,
        unconfirmed: bool,
        request: &VerifyRequest,
    ) -> Verdict {
        let asked = |attribute: &Attribute| {
            let profile = request.demand.profile;
            profile.is_none_or(|profile| Attribute::disclosed_by(profile).contains(attribute))
        };
        let told = identity.disclosed.iter().filter(|(attribute, _)| asked(attribute));
        let pseudonym = |resident| self.pseudonyms.pseudonym(resident, request.verifier);
        let is_told = self.reader(request.verifier).identifies;
        Verdict::Accepted {
            pseudonym: pseudonym(identity.resident),
            resident: is_told.then_some(identity.resident),
            disclosed: told.map(|(attribute, value)| (attribute.name().to_owned(), value.clone())).collect(),
            code_id: to_hex(&showing.id(claims)),
            issued: claims.issued,
            reference: request.reference.clone(),
            shown: showing.shown,
            guardian: identity.guardianship.map(|guardianship| pseudonym(guardianship.guardian)),
            unconfirmed,
            freshness: self.freshness(now),
        }
    }
}

impl Showing {
    /// What must never be accepted again, and when it expires by itself.
    fn once(&self, kid: KeyId, claims: &Claims) -> (CodeKey, Timestamp) {
        ((kid, self.id(claims)), self.expires(claims))
    }

    /// When it is over by itself.
    pub(super) fn expires(&self, claims: &Claims) -> Timestamp {
        self.proof.as_ref().map_or(claims.expires, |proof| proof.expires.min(claims.expires))
    }

    /// The code's own id; with a phone's proof, the proof's nonce goes behind it.
    fn id(&self, claims: &Claims) -> Box<[u8]> {
        match &self.proof {
            Some(proof) => [&claims.code_id[..], &proof.nonce.0].concat().into(),
            None => claims.code_id.clone(),
        }
    }
}

/// Good from `valid_from - SKEW_MS` up to, but not at, `expires + SKEW_MS`.
fn check_times(now: Timestamp, valid_from: Timestamp, expires: Timestamp) -> Result<(), RefusalReason> {
    if now >= expires.plus_millis(SKEW_MS) {
        Err(RefusalReason::TokenExpired)
    } else if now < valid_from.plus_millis(-SKEW_MS) {
        Err(RefusalReason::TokenNotYetValid)
    } else {
        Ok(())
    }
}

/// What is bound to a phone needs its proof. What is bound to nothing is a code of this minute, or a card.
pub(super) fn showing_of(
    now: Timestamp,
    code: &DecodedCode,
    claims: &Claims,
) -> Result<Showing, RefusalReason> {
    if claims.phone.is_some() || code.has_countersignature() {
        let proof = check_proof(now, code, claims)?;
        return Ok(Showing { shown: Shown::Phone, proof: Some(proof) });
    }
    let is_code = claims.expires.millis_since(claims.issued) <= CODE_LIFE_S * SECOND_MS;
    Ok(Showing { shown: if is_code { Shown::Code } else { Shown::Card }, proof: None })
}

/// Whether this reader takes what is shown like that.
fn check_holder(
    now: Timestamp,
    reader: &Reader,
    code: &DecodedCode,
    claims: &Claims,
) -> Result<Showing, RefusalReason> {
    let showing = showing_of(now, code, claims)?;
    let will_do = match showing.shown {
        Shown::Phone => true,
        Shown::Code => reader.assurance == Assurance::Code,
        Shown::Card => reader.cards,
    };
    if will_do { Ok(showing) } else { Err(RefusalReason::HolderProofMissing) }
}

fn check_proof(now: Timestamp, code: &DecodedCode, claims: &Claims) -> Result<ProofClaims, RefusalReason> {
    if !code.has_countersignature() {
        return Err(RefusalReason::HolderProofMissing);
    }
    let phone = claims.phone.as_ref().ok_or(RefusalReason::HolderProofInvalid)?;
    let proof = code.proof().filter(|proof| proof.is_made_by(phone, code));
    let said = proof.ok_or(RefusalReason::HolderProofInvalid)?.claims;
    // A phone that makes proofs to last makes screenshots.
    if said.expires.millis_since(said.issued) > PROOF_LIFE_S * SECOND_MS {
        return Err(RefusalReason::HolderProofInvalid);
    }
    check_times(now, said.issued, said.expires)?;
    Ok(said)
}

/// A proof that names somebody is for nobody else; a challenge is answered by its own nonce only.
fn check_audience(
    reader: &Reader,
    request: &VerifyRequest,
    proof: Option<&ProofClaims>,
) -> Result<(), RefusalReason> {
    let audience = proof.and_then(|proof| proof.audience.as_deref());
    let is_for_me = audience == Some(request.verifier.0.as_str());
    let nonce = proof.map(|proof| proof.nonce);
    let good = match request.demand.challenge {
        Some(challenge) => is_for_me && nonce == Some(challenge),
        None => reader.assurance != Assurance::Challenge && (audience.is_none() || is_for_me),
    };
    if good { Ok(()) } else { Err(RefusalReason::AudienceMismatch) }
}

fn check_guardian(now: Timestamp, reader: &Reader, identity: &Identity) -> Result<(), RefusalReason> {
    match identity.guardianship {
        Some(grant) if now >= grant.until => Err(RefusalReason::GuardianshipEnded),
        Some(grant) if !grant.scope.covers(reader.purpose) => Err(RefusalReason::ScopeNotGranted),
        _ => Ok(()),
    }
}

/// A reader asks within its profiles; the holder may disclose less than it asks for, and then that is the answer.
fn check_scope(reader: &Reader, identity: &Identity, request: &VerifyRequest) -> Result<(), RefusalReason> {
    let Some(asked) = request.demand.profile else {
        // Who does not say what for gets what is shown, within what it may ever ask for.
        let is_allowed =
            reader.may_ask.iter().any(|&profile| Attribute::within(&identity.disclosed, profile));
        return if is_allowed { Ok(()) } else { Err(RefusalReason::ScopeNotGranted) };
    };
    if !reader.may_ask_for(asked) {
        Err(RefusalReason::ScopeNotGranted)
    } else if !Attribute::cover(&identity.disclosed, asked) {
        Err(RefusalReason::ConsentDenied)
    } else {
        Ok(())
    }
}
