//! The phone: shows credentials that are bound to its own key, with a new proof every 15 s, network or not.

use std::collections::BTreeMap;

use types::{Core, HOUR_MS, ResidentId, SECOND_MS, Stream, Timestamp};

use crate::decode::DecodedCode;
use crate::encode::pack;
use crate::holder::{ANSWER_WAIT_MS, ANSWER_WAIT_MS_MAX, discloses};
use crate::keys::to_hex;
use crate::proof::{PROOF_LIFE_S, ProofClaims, prove};
use crate::signature::{Algorithm, SecretKey};
use crate::{
    CREDENTIALS_MAX, Challenge, CredentialRefusal, CredentialReply, CredentialRequest, Nonce, OwnRequest,
    Profile, QrText, decode_code,
};

/// How often the proof is renewed \[ms\]: half its life, so that the code on the screen is always good for 15 s.
pub const PROOF_RENEW_MS: i64 = PROOF_LIFE_S * SECOND_MS / 2;
/// How long before the last credential ends new ones are fetched \[ms\].
pub const REFILL_BEFORE_MS: i64 = 6 * HOUR_MS;
/// How many credentials are fetched at once: each showing uses another one, so that two verifiers cannot tell by the
/// bytes that they saw the same phone.
pub const BATCH: u8 = 10;
const _: () = assert!(BATCH <= CREDENTIALS_MAX);

/// The key of a phone (P-256). In a browser WebCrypto keeps it and it cannot be read; `Debug` hides it here.
#[derive(Clone, Debug)]
pub struct PhoneKey(SecretKey);

impl PhoneKey {
    /// The key of a secret seed.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SecretKey::from_seed(Algorithm::Es256, seed))
    }

    /// The public half: 66 hex digits of a compressed point.
    pub fn public(&self) -> String {
        to_hex(&self.0.public().to_bytes())
    }

    /// Signs a registration of the phone under that nonce.
    pub fn sign_registration(&self, resident: ResidentId, nonce: Nonce) -> OwnRequest {
        let key = self.public();
        let said = OwnRequest::registration(resident, &key, nonce);
        let proof = to_hex(&self.0.sign(said.as_bytes()));
        OwnRequest::Register { resident, key, nonce, proof }
    }

    /// Signs a request for credentials, which proves that the phone has the key.
    pub fn sign_request(&self, mut request: CredentialRequest) -> CredentialRequest {
        request.key = self.public();
        request.proof = to_hex(&self.0.sign(&request.to_be_signed()));
        request
    }

    /// A code: `credential` with a proof that this key made at `now`. Whoever has a copy of a credential can make one;
    /// a verifier takes it only if the credential is bound to this key. `None` if the text is no credential.
    pub fn present(&self, credential: &QrText, now: Timestamp, nonce: Nonce) -> Option<QrText> {
        let credential = decode_code(&credential.0).ok()?;
        Some(self.show(&credential, now, None, nonce).0)
    }

    /// The code, and when its proof is worthless.
    fn show(
        &self,
        credential: &DecodedCode,
        now: Timestamp,
        audience: Option<String>,
        nonce: Nonce,
    ) -> (QrText, Timestamp) {
        // Proofs count whole seconds. Rounding down can only shorten a life.
        let issued = Timestamp::from_millis(now.as_millis().div_euclid(SECOND_MS) * SECOND_MS);
        let expires = issued.plus_millis(PROOF_LIFE_S * SECOND_MS);
        let proof = prove(credential, &ProofClaims { audience, issued, expires, nonce }, &self.0);
        (pack(&credential.with_countersignature(proof)), expires)
    }
}

/// What can happen to a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Its owner wants to show their identity, or that of a ward.
    Show {
        /// What to disclose.
        profile: Profile,
        /// Whose identity, if not the owner's.
        ward: Option<ResidentId>,
    },
    /// Its camera read a challenge.
    Challenged(Challenge),
    /// Its owner agrees to the challenge that was put to them.
    Agree,
    /// Its owner does not.
    Deny,
    /// Its owner puts it away.
    Hide,
    /// The issuer answered.
    Reply(CredentialReply),
}

/// What a phone wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ask the issuer. Without a network this may be left undone.
    Request(CredentialRequest),
    /// Show this code instead of whatever was shown.
    Display {
        /// The text of the symbol.
        code: QrText,
        /// When it is worthless.
        expires: Timestamp,
    },
    /// Ask the owner whether they disclose what this verifier asks for.
    AskOwner(Challenge),
    /// Show no code.
    Blank,
    /// Tell the owner why there is no code.
    Refused(CredentialRefusal),
}

/// Which credentials: what they disclose, and whose identity they are if not the owner's.
type Kind = (Profile, Option<ResidentId>);

/// A holder's phone with its key and credentials.
///
/// It discloses nothing unless its owner said so: by [`Input::Show`], or by [`Input::Agree`] to a challenge.
#[derive(Debug)]
pub struct Phone {
    owner: ResidentId,
    key: PhoneKey,
    nonces: Stream,
    /// The next to use first; one that was used goes to the end.
    wallet: BTreeMap<Kind, Vec<Credential>>,
    asked: Option<Challenge>,
    shown: Option<Shown>,
    fetch: Option<Fetch>,
}

#[derive(Clone, Debug)]
struct Credential {
    code: DecodedCode,
    expires: Timestamp,
}

#[derive(Debug)]
struct Shown {
    kind: Kind,
    challenge: Option<Challenge>,
    /// The code on the screen: which credential, when it is worthless, when the next proof is due.
    display: Option<Display>,
}

#[derive(Debug)]
struct Display {
    credential: Credential,
    until: Timestamp,
    renew_at: Timestamp,
}

/// A request under way, and when to repeat it.
#[derive(Debug)]
struct Fetch {
    kind: Kind,
    again_at: Timestamp,
    unanswered: u32,
}

impl Phone {
    /// A phone without credentials. `nonces` – where the nonces of its proofs come from.
    pub fn new(owner: ResidentId, key: PhoneKey, nonces: Stream) -> Self {
        Self { owner, key, nonces, wallet: BTreeMap::new(), asked: None, shown: None, fetch: None }
    }

    /// How many credentials of this kind it could show now.
    pub fn stock(&self, now: Timestamp, profile: Profile, ward: Option<ResidentId>) -> usize {
        let all = self.wallet.get(&(profile, ward)).into_iter().flatten();
        all.filter(|credential| credential.expires > now).count()
    }

    fn show(&mut self, now: Timestamp, kind: Kind, challenge: Option<Challenge>, out: &mut Vec<Output>) {
        self.hide(out);
        self.shown = Some(Shown { kind, challenge, display: None });
        self.display_next(now, out);
        self.refill(now, out);
    }

    /// Takes the next credential of the batch to the screen.
    fn display_next(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let Some(shown) = &self.shown else { return };
        let Some(stock) = self.wallet.get_mut(&shown.kind) else { return };
        stock.retain(|credential| credential.expires > now);
        if !stock.is_empty() {
            stock.rotate_left(1);
            let credential = stock[stock.len() - 1].clone();
            self.prove(now, credential, out);
        }
    }

    /// Puts a new proof on a credential and shows both.
    fn prove(&mut self, now: Timestamp, credential: Credential, out: &mut Vec<Output>) {
        let Some(shown) = &mut self.shown else { return };
        let nonce = shown.challenge.map_or_else(|| Nonce(self.nonces.bytes()), |challenge| challenge.nonce);
        let audience = shown.challenge.map(|challenge| challenge.verifier.to_string());
        let (code, expires) = self.key.show(&credential.code, now, audience, nonce);
        let until = expires.min(credential.expires);
        let renew_at = now.plus_millis(PROOF_RENEW_MS).min(until);
        shown.display = Some(Display { credential, until, renew_at });
        out.push(Output::Display { code, expires: until });
    }

    /// A new proof; the answer to a challenge is given once.
    fn renew(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let Some(shown) = &mut self.shown else { return };
        let Some(display) = shown.display.take_if(|display| display.renew_at <= now) else { return };
        if shown.challenge.is_some() {
            if display.until > now {
                shown.display = Some(Display { renew_at: display.until, ..display });
            } else {
                self.shown = None;
                out.push(Output::Blank);
            }
        } else if display.credential.expires > now {
            self.prove(now, display.credential, out);
        } else {
            out.push(Output::Blank);
            self.display_next(now, out);
        }
    }

    fn hide(&mut self, out: &mut Vec<Output>) {
        if self.shown.take().is_some_and(|shown| shown.display.is_some()) {
            out.push(Output::Blank);
        }
        self.fetch = None;
    }

    /// Asks for new credentials if those of the shown kind end soon.
    fn refill(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let Some(kind) = self.shown.as_ref().map(|shown| shown.kind) else { return };
        let last = self.wallet.get(&kind).into_iter().flatten().map(|credential| credential.expires).max();
        if last.is_none_or(|last| last <= now.plus_millis(REFILL_BEFORE_MS)) {
            let again_at = now;
            let fetch = self.fetch.get_or_insert(Fetch { kind, again_at, unanswered: 0 });
            if fetch.again_at <= now {
                self.ask(now, out);
            }
        }
    }

    fn ask(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let Some(fetch) = &mut self.fetch else { return };
        // Five doublings pass the maximum.
        let wait = (ANSWER_WAIT_MS << fetch.unanswered.min(5)).min(ANSWER_WAIT_MS_MAX);
        fetch.again_at = now.plus_millis(wait);
        fetch.unanswered = fetch.unanswered.saturating_add(1);
        let (profile, ward) = fetch.kind;
        let request = CredentialRequest::unsigned(self.owner, ward, profile, BATCH, now);
        out.push(Output::Request(self.key.sign_request(request)));
    }

    /// What was not asked for, or is not for this phone and kind, is no answer.
    fn take(&mut self, now: Timestamp, reply: CredentialReply, out: &mut Vec<Output>) {
        let Some(kind) = self.fetch.as_ref().map(|fetch| fetch.kind) else { return };
        match reply {
            CredentialReply::Issued { credentials } => {
                let read = |text: &QrText| self.read(now, text, kind);
                let stock: Vec<Credential> = credentials.iter().filter_map(read).take(BATCH.into()).collect();
                if stock.is_empty() {
                    return;
                }
                self.fetch = None;
                self.wallet.insert(kind, stock);
                if self.shown.as_ref().is_some_and(|shown| shown.display.is_none()) {
                    self.display_next(now, out);
                }
            }
            CredentialReply::Refused(refusal) => {
                self.fetch = None;
                self.wallet.remove(&kind);
                self.hide(out);
                out.push(Output::Refused(refusal));
            }
        }
    }

    fn read(&self, now: Timestamp, text: &QrText, (profile, ward): Kind) -> Option<Credential> {
        let code = decode_code(&text.0).ok()?;
        let claims = code.claims().ok()?;
        let identity = claims.identity?;
        let guardian = identity.guardianship.map(|guardianship| guardianship.guardian);
        let is_wanted = identity.resident == ward.unwrap_or(self.owner)
            && guardian == ward.map(|_| self.owner)
            && discloses(&identity, profile)
            && claims.phone.as_ref() == Some(&self.key.0.public());
        (is_wanted && claims.expires > now).then_some(Credential { code, expires: claims.expires })
    }
}

impl Core for Phone {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Show { profile, ward } => self.show(now, (profile, ward), None, out),
            Input::Challenged(challenge) => {
                self.asked = Some(challenge);
                out.push(Output::AskOwner(challenge));
            }
            Input::Agree => {
                let Some(challenge) = self.asked.take() else { return };
                self.show(now, (challenge.profile, None), Some(challenge), out);
            }
            Input::Deny => self.asked = None,
            Input::Hide => self.hide(out),
            Input::Reply(reply) => self.take(now, reply, out),
        }
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.renew(now, out);
        self.refill(now, out);
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        let shown = self.shown.as_ref()?;
        let renew = shown.display.as_ref().map(|display| display.renew_at);
        let fetch = self.fetch.as_ref().map(|fetch| fetch.again_at);
        renew.into_iter().chain(fetch).min()
    }
}

#[cfg(test)]
mod tests;
