//! The negative cases of e-ID, by the numbers of `docs/eid.md`, each with its one exact reason.

use ciborium::Value;
use proptest::prelude::*;

use super::*;
use crate::encode::{claim, pack};
use crate::guardian::Guardianship;
use crate::keys::key_id;
use crate::proof::ProofClaims;
use crate::signature::{Algorithm, SecretKey};
use crate::status::{CardStatus, StatusList, StatusRef};
use crate::testing::{
    Forged, code_of, credential, key_set, kid, now, phone, phone_code, proof_claims, registry, reply_to,
    resident, root, shown, signed, signing_key,
};
use crate::{
    Assurance, Demand, EnrolRefusal, EnrolRequest, KeyState, Nonce, Profile, PublicKey, QrText, Scope, Shown,
    StalePolicy,
};

/// Everything about one showing of a code at one counter.
struct Case {
    keys: KeySet,
    reader: Reader,
    demand: Demand,
    code: QrText,
    /// How long after the code was made it is shown \[ms\].
    after: i64,
}

/// A phone's code at a counter that takes any: nothing is wrong.
fn good() -> Case {
    let (keys, demand) = (key_set(), Demand::default());
    Case { keys, reader: Reader::any(), demand, code: phone_code(), after: 0 }
}

fn with_code(code: QrText) -> Case {
    Case { code, ..good() }
}

fn with_keys(state: KeyState, until: Option<i64>) -> Case {
    let until = until.map(|millis| now().plus_millis(millis));
    let keys = vec![PublicKey::publish(&signing_key().public(), state, until)];
    Case { keys: signed(KeySet { keys, ..key_set() }), ..good() }
}

fn with_proof(change: impl FnOnce(&mut ProofClaims), by: &SecretKey) -> Case {
    let mut claims = proof_claims();
    change(&mut claims);
    with_code(shown(&credential(|_, _| {}), &claims, by))
}

fn with_claims(label: i64, value: Value) -> Case {
    let forged = Forged { payload: Some(Forged::claims_with(label, value)), ..Forged::default() };
    with_code(forged.text())
}

fn with_alg(alg: Value) -> Case {
    with_code(Forged::default().with_protected(vec![(1, alg), (4, Value::Bytes(kid().to_vec()))]).text())
}

fn asking(profile: Profile, case: Case) -> Case {
    Case { demand: Demand { profile: Some(profile), ..case.demand }, ..case }
}

fn challenged(nonce: u8, case: Case) -> Case {
    Case { demand: Demand { challenge: Some(Nonce([nonce; 8])), ..case.demand }, ..case }
}

/// A printed card at a counter that takes those, and what the list says of it.
fn card(status: Option<CardStatus>) -> Case {
    let card = credential(|head, _| {
        head.phone = None;
        head.status = Some(StatusRef::of_card(5));
    });
    let published = status.map(|status| {
        let mut list = StatusList::new();
        list.set(5, status);
        list.publish(now(), &signing_key(), kid())
    });
    let keys = signed(KeySet { status: published, ..key_set() });
    let reader = Reader { cards: true, ..Reader::any() };
    let code = pack(&crate::encode::sign(card.payload, &signing_key(), kid()));
    Case { keys, reader, code, ..good() }
}

/// A ward's code on a guardian's phone.
fn ward(scope: Scope, until: i64) -> Case {
    let grant = Guardianship { guardian: types::ResidentId(2), scope, until: now().plus_millis(until) };
    let credential = credential(|_, identity| {
        let Value::Map(entries) = identity else { panic!("a map") };
        entries.extend(grant.entries());
    });
    with_code(shown(&credential, &proof_claims(), &phone()))
}

fn at(reader: Reader, case: Case) -> Case {
    Case { reader, ..case }
}

impl Case {
    fn verifier(&self) -> Verifier {
        let mut verifier = Verifier::new(root());
        verifier.any_reader = self.reader.clone();
        verifier.adopt(now(), &self.keys).unwrap();
        verifier
    }

    fn request(&self) -> VerifyRequest {
        let verifier = "desk".parse().unwrap();
        VerifyRequest { code: self.code.clone(), verifier, reference: String::new(), demand: self.demand }
    }

    fn ask(&self, verifier: &mut Verifier, path: &str) -> Verdict {
        let mut out = Vec::new();
        let input = Input::Verify { from: reply_to(path), request: self.request() };
        verifier.handle(now().plus_millis(self.after), input, &mut out);
        let Output::Verdict { verdict, .. } = out.remove(0) else { panic!("{out:?}") };
        verdict
    }

    fn verdict(&self) -> Verdict {
        self.ask(&mut self.verifier(), "a")
    }
}

fn reason(verdict: &Verdict) -> Option<RefusalReason> {
    match verdict {
        Verdict::Refused(refusal) => Some(refusal.reason),
        Verdict::Accepted { .. } => None,
    }
}

#[test]
fn every_negative_case_gets_its_own_reason() {
    use RefusalReason as R;
    let stranger = SecretKey::from_seed(Algorithm::Es256, [1; 32]);
    let strangers_kid = Value::Bytes(key_id(&stranger.public()).to_vec());
    let unknown = Forged::default().with_protected(vec![(1, (-8).into()), (4, strangers_kid)]);
    let mut bent = base45::decode(phone_code().0).unwrap();
    bent[2] ^= 0x40;
    let no_claims = Forged { payload: Some(Forged::claims_without(claim::IDENTITY)), ..Forged::default() };
    let copied = pack(&crate::encode::sign(credential(|_, _| {}).payload, &signing_key(), kid()));
    let mut tampered = Forged::default().cose();
    let place = tampered.len() - 80;
    tampered[place] ^= 1;
    let (phone, any) = (phone(), Reader::any);

    let table: Vec<(u8, &str, Case, R)> = vec![
        (1, "lower case", with_code(QrText(phone_code().0.to_lowercase())), R::QrNotBase45),
        (1, "prefix", with_code(QrText("HC1_".to_owned() + &phone_code().0)), R::QrNotBase45),
        (2, "broken zlib", with_code(QrText(base45::encode(bent))), R::QrBadCompression),
        (3, "a bomb", with_code(pack(&vec![0; 70_000])), R::QrTooLarge),
        (4, "no COSE", with_code(pack(b"kite")), R::CoseInvalid),
        (4, "nothing", with_code(QrText(String::new())), R::QrEmpty),
        (4, "no algorithm", with_code(Forged::default().with_protected(vec![]).text()), R::CoseInvalid),
        (5, "HS256", with_alg(5.into()), R::AlgNotAllowed),
        (5, "none", with_alg("none".into()), R::AlgNotAllowed),
        (6, "another issuer", with_code(unknown.text()), R::IssuerUnknown),
        (6, "a key that signs nothing yet", with_keys(KeyState::Next, None), R::IssuerUnknown),
        (6, "keys of last week", Case { after: 8 * types::DAY_MS, ..good() }, R::IssuerUnknown),
        (7, "a flipped bit", with_code(pack(&tampered)), R::SignatureInvalid),
        (7, "an EdDSA key for ES256", with_alg((-7).into()), R::SignatureInvalid),
        (8, "compromised", with_keys(KeyState::Compromised, None), R::IssuerKeyRevoked),
        (8, "retired too long", with_keys(KeyState::Retired, Some(0)), R::IssuerKeyRevoked),
        (
            9,
            "a code of last minute",
            Case { after: 65_000, ..with_code(code_of(1, Profile::Name)) },
            R::TokenExpired,
        ),
        (9, "a screenshot of a phone", Case { after: 35_000, ..good() }, R::TokenExpired),
        (9, "a credential of yesterday", Case { after: 86_405_000, ..good() }, R::TokenExpired),
        (
            10,
            "a code from the future",
            Case { after: -5_001, ..with_code(code_of(1, Profile::Name)) },
            R::TokenNotYetValid,
        ),
        (
            10,
            "a proof from the future",
            with_proof(
                |claims| {
                    claims.issued = now().plus_millis(6_000);
                    claims.expires = now().plus_millis(20_000);
                },
                &phone,
            ),
            R::TokenNotYetValid,
        ),
        (11, "no claim 169", with_code(no_claims.text()), R::ClaimMissing),
        (12, "a phone's credential without proof", with_code(copied.clone()), R::HolderProofMissing),
        (
            12,
            "even where cards are good",
            at(Reader { cards: true, ..any() }, with_code(copied)),
            R::HolderProofMissing,
        ),
        (
            12,
            "a code where phones are wanted",
            at(Reader { assurance: Assurance::Phone, ..any() }, with_code(code_of(1, Profile::Name))),
            R::HolderProofMissing,
        ),
        (12, "a card where none will do", at(any(), card(Some(CardStatus::Valid))), R::HolderProofMissing),
        (13, "another phone", with_proof(|_| {}, &stranger), R::HolderProofInvalid),
        (
            13,
            "a proof to last",
            with_proof(|claims| claims.expires = now().plus_millis(31_000), &phone),
            R::HolderProofInvalid,
        ),
        (
            15,
            "another counter's",
            with_proof(|claims| claims.audience = Some("kiosk".into()), &phone),
            R::AudienceMismatch,
        ),
        (15, "no challenge answered", challenged(3, good()), R::AudienceMismatch),
        (
            15,
            "another challenge",
            challenged(4, with_proof(|claims| claims.audience = Some("desk".into()), &phone)),
            R::AudienceMismatch,
        ),
        (
            15,
            "no challenge given",
            at(Reader { assurance: Assurance::Challenge, ..any() }, good()),
            R::AudienceMismatch,
        ),
        (16, "revoked", card(Some(CardStatus::Revoked)), R::CredentialRevoked),
        (16, "suspended", card(Some(CardStatus::Suspended)), R::CredentialSuspended),
        (
            17,
            "no list",
            at(Reader { cards: true, stale_status: StalePolicy::Refuse, ..any() }, card(None)),
            R::StatusStale,
        ),
        (
            17,
            "an old list",
            Case {
                after: crate::STATUS_TTL_MS,
                ..at(
                    Reader { cards: true, stale_status: StalePolicy::Refuse, ..any() },
                    card(Some(CardStatus::Valid)),
                )
            },
            R::StatusStale,
        ),
        (
            18,
            "asks too much",
            asking(Profile::Full, at(Reader { may_ask: vec![Profile::Age], ..any() }, good())),
            R::ScopeNotGranted,
        ),
        (
            18,
            "sees too much",
            at(Reader { may_ask: vec![Profile::Age], ..any() }, good()),
            R::ScopeNotGranted,
        ),
        (18, "shows too little", asking(Profile::Full, good()), R::ConsentDenied),
        (
            18,
            "a grant for treatment at school",
            at(Reader { purpose: Scope::School, ..any() }, ward(Scope::Medical, 1_000)),
            R::ScopeNotGranted,
        ),
        (19, "a grant that ended", ward(Scope::All, 0), R::GuardianshipEnded),
    ];
    for (number, name, case, expected) in table {
        let verdict = case.verdict();
        assert_eq!(reason(&verdict), Some(expected), "case {number}: {name}: {verdict:?}");
    }
}

/// Case 13.
#[test]
fn a_proof_of_another_credential_is_refused() {
    let other = credential(|head, _| head.code_id = [1; 8]);
    let proof = crate::proof::prove(&other, &proof_claims(), &phone());
    let code = pack(&credential(|_, _| {}).with_countersignature(proof));
    assert_eq!(reason(&with_code(code).verdict()), Some(RefusalReason::HolderProofInvalid));
}

/// Case 13.
#[test]
fn a_proof_on_a_code_that_is_bound_to_no_phone_is_refused() {
    let unbound = credential(|head, _| head.phone = None);
    let code = shown(&unbound, &proof_claims(), &phone());
    assert_eq!(reason(&with_code(code).verdict()), Some(RefusalReason::HolderProofInvalid));
}

/// A confirmation that nobody can check must not make a code that needs no proof.
#[test]
fn a_confirmation_that_is_no_key_is_refused() {
    let case = with_claims(claim::CONFIRMATION, Value::Map(vec![(3.into(), Value::Bytes(vec![1]))]));
    assert_eq!(reason(&case.verdict()), Some(RefusalReason::CoseInvalid));
}

/// Case 14.
#[test]
fn a_proof_is_accepted_once_and_the_next_one_of_the_phone_again() {
    let case = good();
    let mut verifier = case.verifier();
    assert_eq!(reason(&case.ask(&mut verifier, "a")), None);
    let replayed = Refusal { first_seen: Some(now()), ..RefusalReason::TokenReplayed.into() };
    assert_eq!(case.ask(&mut verifier, "b"), Verdict::Refused(replayed));
    let next = with_proof(|claims| claims.nonce = Nonce([4; 8]), &phone());
    assert_eq!(reason(&next.ask(&mut verifier, "c")), None);
    assert_eq!(verifier.seen_len(), 2);
    verifier.handle_timeout(now().plus_millis(35_000), &mut Vec::new());
    assert_eq!(verifier.seen_len(), 0, "when the proofs expire, not when the credential does");
}

/// Case 20.
#[test]
fn every_bad_resident_number_gets_its_own_reason() {
    let ask = |number: &str, name: &str| {
        let request = EnrolRequest { resident_no: number.to_owned(), name: name.to_owned() };
        registry().check_enrolment(&request).map(|resident| resident.id)
    };
    let number = |digits: &str| crate::testing::number_with_check(digits);
    let (known, name) = (resident(1), resident(1).name_zh);
    assert_eq!(ask("370799198801020011", &name), Err(EnrolRefusal::ResidentChecksum));
    assert_eq!(ask(&number("11010519491231002"), &name), Err(EnrolRefusal::ResidentRegion));
    assert_eq!(ask(&number("37079920230229001"), &name), Err(EnrolRefusal::ResidentDate));
    assert_eq!(ask(&number("37079919010101001"), &name), Err(EnrolRefusal::ResidentUnknown));
    assert_eq!(ask(known.number.as_str(), "张三"), Err(EnrolRefusal::ResidentUnknown));
}

/// Case 21.
#[test]
fn a_counter_that_had_too_many_refusals_waits_and_only_that_counter() {
    let (bad, good) = (with_code(QrText("?".into())), good());
    let mut verifier = bad.verifier();
    for _ in 0..Reader::any().refusals_a_minute_max {
        assert_eq!(reason(&bad.ask(&mut verifier, "a")), Some(RefusalReason::QrNotBase45));
    }
    let blocked = Refusal { retry_at: Some(now().plus_millis(60_000)), ..RefusalReason::RateLimited.into() };
    assert_eq!(good.ask(&mut verifier, "a"), Verdict::Refused(blocked));
    let other = VerifyRequest { verifier: "other".parse().unwrap(), ..good.request() };
    assert!(verifier.verify(now(), &reply_to("a"), &other, None).is_ok());
}

#[test]
fn what_is_right_about_a_showing_is_told() {
    let told = |case: &Case| match case.verdict() {
        Verdict::Accepted { shown, guardian, unconfirmed, freshness, disclosed, .. } => {
            (shown, guardian, unconfirmed, freshness, disclosed.len())
        }
        Verdict::Refused(refusal) => panic!("{refusal:?}"),
    };
    let fresh = |status_age_s| Freshness { keys_age_s: 0, status_age_s };
    assert_eq!(told(&good()), (Shown::Phone, None, false, fresh(None), 3));
    assert_eq!(told(&with_code(code_of(1, Profile::Name))), (Shown::Code, None, false, fresh(None), 3));
    assert_eq!(told(&card(Some(CardStatus::Valid))), (Shown::Card, None, false, fresh(Some(0)), 3));
    assert_eq!(told(&card(None)), (Shown::Card, None, true, fresh(None), 3));
    let late = Case { after: crate::STATUS_TTL_MS, ..card(Some(CardStatus::Valid)) };
    let age = Freshness { keys_age_s: 43_200, status_age_s: Some(43_200) };
    assert_eq!(told(&late), (Shown::Card, None, true, age, 3));
    let desk = "desk".parse().unwrap();
    let guardian = Some(PseudonymKey::open(&root()).pseudonym(types::ResidentId(2), desk));
    assert_eq!(told(&ward(Scope::All, 1_000)), (Shown::Phone, guardian, false, fresh(None), 3));
    assert_eq!(told(&asking(Profile::Anon, good())), (Shown::Phone, None, false, fresh(None), 0));
    let answer = with_proof(|claims| claims.audience = Some("desk".into()), &phone());
    assert_eq!(told(&challenged(3, answer)).0, Shown::Phone);
}

#[test]
fn a_card_may_be_shown_again() {
    let case = card(Some(CardStatus::Valid));
    let mut verifier = case.verifier();
    assert_eq!(reason(&case.ask(&mut verifier, "a")), None);
    assert_eq!(reason(&case.ask(&mut verifier, "b")), None);
    assert_eq!(verifier.seen_len(), 0);
}

#[test]
fn a_status_list_that_no_issuer_key_signed_is_not_believed() {
    let mut list = StatusList::new();
    list.set(5, CardStatus::Revoked);
    let forged = list.publish(now(), &SecretKey::from_seed(Algorithm::EdDsa, [1; 32]), kid());
    let keys = signed(KeySet { status: Some(forged), ..key_set() });
    assert_eq!(reason(&Case { keys, ..card(None) }.verdict()), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_changed_byte_of_a_phones_code_never_verifies(place: prop::sample::Index, change in 1u8..) {
        let credential = credential(|_, _| {});
        let proof = crate::proof::prove(&credential, &proof_claims(), &phone());
        let mut cose = credential.with_countersignature(proof);
        let place = place.index(cose.len());
        cose[place] ^= change;
        prop_assert_ne!(reason(&with_code(pack(&cose)).verdict()), None, "byte {}", place);
    }
}
