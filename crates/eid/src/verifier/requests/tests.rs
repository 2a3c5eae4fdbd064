use types::{Core, MINUTE_MS, ResidentId};

use super::super::Input;
use super::*;
use crate::consent::{HISTORY_MAX, Showing};
use crate::testing::{code_of, credential, key_set, now, phone, proof_claims, reply_to, root, shown};
use crate::{EidEvent, Readers};

const HOLDER: ResidentId = ResidentId(1);

fn verifier() -> Verifier {
    let mut verifier = Verifier::new(root()).with_readers(Readers::presets());
    verifier.adopt(now(), &key_set()).unwrap();
    verifier
}

fn name(reader: &str) -> VerifierId {
    reader.parse().unwrap()
}

fn reader(
    verifier: &mut Verifier,
    now: Timestamp,
    path: &str,
    request: AskRequest,
) -> (AskReply, Vec<Output>) {
    let mut out = Vec::new();
    verifier.handle(now, Input::Ask { from: reply_to(path), request }, &mut out);
    match out.pop() {
        Some(Output::AskReply { reply, .. }) => (reply, out),
        other => panic!("{other:?}"),
    }
}

fn ask(verifier: &mut Verifier, path: &str, resident: ResidentId, profile: Profile) -> AskReply {
    let request = AskRequest::Ask { verifier: name("clinic-counter"), resident, profile };
    reader(verifier, now(), path, request).0
}

fn asked(verifier: &mut Verifier, path: &str) -> Nonce {
    match ask(verifier, path, HOLDER, Profile::Name) {
        AskReply::Waiting { request, .. } => request,
        other => panic!("{other:?}"),
    }
}

fn look(verifier: &mut Verifier, request: Nonce) -> AskReply {
    let request = AskRequest::Look { verifier: name("clinic-counter"), request };
    reader(verifier, now(), "look", request).0
}

fn holder(verifier: &mut Verifier, now: Timestamp, request: HolderRequest) -> HolderReply {
    let mut out = Vec::new();
    verifier.handle(now, Input::Holder { from: reply_to("phone"), request }, &mut out);
    match out.pop() {
        Some(Output::HolderReply { reply, .. }) => reply,
        other => panic!("{other:?}"),
    }
}

fn answer(verifier: &mut Verifier, request: Nonce, code: Option<QrText>) -> HolderReply {
    holder(verifier, now(), HolderRequest::Answer { resident: HOLDER, request, code })
}

/// The code of a phone of resident 1, made for that request.
fn code_for(request: Nonce, reader: &str) -> QrText {
    let claims =
        crate::proof::ProofClaims { audience: Some(reader.into()), nonce: request, ..proof_claims() };
    shown(&credential(|_, _| {}), &claims, &phone())
}

fn history(verifier: &mut Verifier, resident: ResidentId) -> Vec<Showing> {
    match holder(verifier, now(), HolderRequest::History { resident }) {
        HolderReply::History(showings) => showings,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reader_that_asks_for_more_than_it_may_is_refused_and_nobody_is_told() {
    let mut verifier = verifier();
    let request = AskRequest::Ask { verifier: name("bus"), resident: HOLDER, profile: Profile::Name };
    let (reply, told) = reader(&mut verifier, now(), "a", request);
    assert_eq!((reply, told), (AskReply::Refused(RefusalReason::ScopeNotGranted), vec![]));
}

#[test]
fn a_resident_is_not_asked_by_more_readers_at_once_than_allowed() {
    let mut verifier = verifier();
    for n in 0..REQUESTS_A_RESIDENT_MAX {
        asked(&mut verifier, &n.to_string());
    }
    let reply = ask(&mut verifier, "x", HOLDER, Profile::Name);
    assert_eq!(reply, AskReply::Refused(RefusalReason::RateLimited));
    assert!(matches!(ask(&mut verifier, "x", ResidentId(2), Profile::Name), AskReply::Waiting { .. }));
    let later = now().plus_millis(REQUEST_LIFE_MS);
    verifier.handle_timeout(later, &mut Vec::new());
    assert_eq!((verifier.requests.all.len(), verifier.requests.leaving.len()), (0, 0));
}

#[test]
fn a_request_that_is_over_or_another_readers_or_residents_is_unknown() {
    let mut verifier = verifier();
    let request = asked(&mut verifier, "a");
    let other = AskRequest::Look { verifier: name("hospital"), request };
    assert_eq!(reader(&mut verifier, now(), "b", other).0, AskReply::Unknown);
    assert_eq!(look(&mut verifier, Nonce([0; 8])), AskReply::Unknown);
    let theirs = HolderRequest::Answer { resident: ResidentId(2), request, code: None };
    assert_eq!(holder(&mut verifier, now(), theirs), HolderReply::Unknown);
    let late = HolderRequest::Answer { resident: HOLDER, request, code: None };
    assert_eq!(holder(&mut verifier, now().plus_millis(REQUEST_LIFE_MS), late), HolderReply::Unknown);
}

#[test]
fn a_code_for_another_request_reader_or_of_another_resident_does_not_answer() {
    let mut verifier = verifier();
    let request = asked(&mut verifier, "a");
    let mismatch = HolderReply::Refused(RefusalReason::AudienceMismatch.into());
    for code in
        [code_for(Nonce([7; 8]), "clinic-counter"), code_for(request, "hospital"), code_of(1, Profile::Name)]
    {
        assert_eq!(answer(&mut verifier, request, Some(code)), mismatch);
    }
    let AskReply::Waiting { request: theirs, .. } = ask(&mut verifier, "b", ResidentId(2), Profile::Name)
    else {
        panic!("it waits")
    };
    let code = Some(code_for(theirs, "clinic-counter"));
    let by_another = HolderRequest::Answer { resident: ResidentId(2), request: theirs, code };
    assert_eq!(holder(&mut verifier, now(), by_another), mismatch);
    assert!(matches!(look(&mut verifier, request), AskReply::Waiting { .. }), "it waits on");
    let showings = history(&mut verifier, HOLDER);
    assert!(showings.iter().all(|showing| showing.disclosed.is_empty() && showing.refused.is_some()));
}

#[test]
fn a_holder_who_does_not_agree_is_not_asked_again_for_the_same_request() {
    let mut verifier = verifier();
    let request = asked(&mut verifier, "a");
    assert_eq!(answer(&mut verifier, request, None), HolderReply::Denied);
    assert_eq!(look(&mut verifier, request), AskReply::Denied);
    let code = code_for(request, "clinic-counter");
    assert_eq!(answer(&mut verifier, request, Some(code)), HolderReply::Denied);
    assert_eq!(look(&mut verifier, request), AskReply::Denied);
}

#[test]
fn a_request_reaches_the_phone_and_the_answer_the_reader() {
    let mut verifier = verifier();
    let request =
        AskRequest::Ask { verifier: name("clinic-counter"), resident: HOLDER, profile: Profile::Name };
    let (reply, told) = reader(&mut verifier, now(), "a", request.clone());
    let AskReply::Waiting { request: nonce, expires } = reply.clone() else { panic!("{reply:?}") };
    let consent = ConsentRequest {
        request: nonce,
        resident: HOLDER,
        verifier: name("clinic-counter"),
        profile: Profile::Name,
        asked: now(),
        expires,
    };
    assert_eq!(told, [Output::Consent(consent.clone())]);
    assert_eq!(reader(&mut verifier, now(), "a", request), (reply, vec![]), "delivered twice, asked once");
    let pending = holder(&mut verifier, now(), HolderRequest::Pending { resident: HOLDER });
    assert_eq!(pending, HolderReply::Pending(vec![consent]));

    let mut out = Vec::new();
    let code = Some(code_for(nonce, "clinic-counter"));
    let request = HolderRequest::Answer { resident: HOLDER, request: nonce, code: code.clone() };
    verifier.handle(now(), Input::Holder { from: reply_to("phone"), request }, &mut out);
    let verified = EidEvent::Verified { resident: HOLDER, verifier: name("clinic-counter") };
    assert_eq!(out[0], Output::Event(verified));
    assert_eq!(answer(&mut verifier, nonce, code), HolderReply::Shared, "delivered twice");
    let AskReply::Answered(Verdict::Accepted { resident, disclosed, .. }) = look(&mut verifier, nonce) else {
        panic!("answered")
    };
    assert_eq!((resident, disclosed.len()), (Some(HOLDER), 3));
    let pending = holder(&mut verifier, now(), HolderRequest::Pending { resident: HOLDER });
    assert_eq!(pending, HolderReply::Pending(vec![]));
}

#[test]
fn a_history_tells_its_resident_what_was_told_to_whom_and_what_was_refused() {
    let mut verifier = verifier();
    let mut verify = |path: &str, reader: &str, code: &QrText| {
        let (verifier_id, demand) = (name(reader), Demand::default());
        let request =
            VerifyRequest { code: code.clone(), verifier: verifier_id, reference: String::new(), demand };
        verifier.handle(now(), Input::Verify { from: reply_to(path), request }, &mut Vec::new());
    };
    let code = code_of(1, Profile::Name);
    verify("a", "hospital", &code);
    verify("a", "hospital", &code);
    verify("b", "clinic-counter", &code);
    verify("c", "clinic-counter", &code);
    verify("d", "hospital", &QrText("nonsense".into()));
    verify("e", "hospital", &code_of(2, Profile::Name));
    let told = ["birth_date", "full_name", "gender"].map(str::to_owned).to_vec();
    let showing = |reader, disclosed, refused, times| Showing {
        at: now(),
        verifier: name(reader),
        disclosed,
        refused,
        guardian: None,
        times,
    };
    assert_eq!(
        history(&mut verifier, HOLDER),
        [
            showing("hospital", told.clone(), None, 1),
            showing("clinic-counter", vec![], Some(RefusalReason::TokenReplayed), 2),
        ]
    );
    assert_eq!(history(&mut verifier, ResidentId(2)), [showing("hospital", told, None, 1)]);
    assert_eq!(history(&mut verifier, ResidentId(3)), []);
}

#[test]
fn a_history_is_bounded_and_loses_its_oldest_first() {
    let mut verifier = verifier();
    let later = |n: usize| now().plus_millis(n as i64 * MINUTE_MS / 60);
    let code = code_of(1, Profile::Name);
    for n in 0..2 * HISTORY_MAX {
        // Another reader each time: the same refusal in a row is one entry.
        let (verifier_id, demand) = (name(&format!("desk-{n}")), Demand::default());
        let request =
            VerifyRequest { code: code.clone(), verifier: verifier_id, reference: String::new(), demand };
        verifier.handle(later(n / 4), Input::Verify { from: reply_to("x"), request }, &mut Vec::new());
    }
    let showings = history(&mut verifier, HOLDER);
    assert_eq!(showings.len(), HISTORY_MAX);
    assert_eq!(showings[0].verifier, name(&format!("desk-{HISTORY_MAX}")));
}
