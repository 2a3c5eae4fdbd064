use types::Seed;

use super::*;
use crate::testing::{SEED, now, registry, reply_to, resident};
use crate::{EnrolRefusal, decode_code};

fn issuer() -> Issuer {
    Issuer::new(registry(), SEED, "test", Seed(1).stream("cti", 0))
}

fn after(issuer: &mut Issuer, now: Timestamp, input: Input) -> Vec<Output> {
    let mut out = Vec::new();
    issuer.handle(now, input, &mut out);
    out
}

fn enrol(resident_no: &str, name: &str) -> Input {
    let request = EnrolRequest { resident_no: resident_no.to_owned(), name: name.to_owned() };
    Input::Enrol { from: reply_to("phone"), request }
}

fn issue(n: u32, profile: Profile) -> Input {
    Input::Issue { from: reply_to("phone"), request: IssueRequest { resident: ResidentId(n), profile } }
}

fn issued(outputs: &[Output]) -> (&QrText, Timestamp, Timestamp) {
    match &outputs[0] {
        Output::IssueReply { reply: IssueReply::Issued { code, issued, expires }, .. } => {
            (code, *issued, *expires)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refused_enrolment_is_answered_and_nobody_is_told() {
    let expected = EnrolReply::Refused(EnrolRefusal::ResidentChecksum);
    assert_eq!(
        after(&mut issuer(), now(), enrol("1", "nobody")),
        [Output::EnrolReply { to: reply_to("phone"), reply: expected }]
    );
}

#[test]
fn nobody_gets_a_code_before_being_enrolled() {
    let expected = [Output::IssueReply { to: reply_to("phone"), reply: IssueReply::NotEnrolled }];
    assert_eq!(after(&mut issuer(), now(), issue(1, Profile::Name)), expected);
    assert_eq!(after(&mut issuer(), now(), issue(999_999, Profile::Name)), expected);
}

#[test]
fn enrolling_twice_is_told_once() {
    let (mut issuer, known) = (issuer(), resident(1));
    let input = || enrol(known.number.as_str(), &known.name_zh);
    let reply = Output::EnrolReply { to: reply_to("phone"), reply: EnrolReply::Enrolled(known.id) };
    let event = Output::Event(EidEvent::Enrolled { resident: known.id });
    assert_eq!(after(&mut issuer, now(), input()), [reply.clone(), event]);
    assert_eq!(after(&mut issuer, now(), input()), [reply]);
}

#[test]
fn a_code_lives_for_sixty_seconds_from_the_second_it_was_issued_in() {
    let (mut issuer, known) = (issuer(), resident(1));
    after(&mut issuer, now(), enrol(known.number.as_str(), &known.name_zh));
    let outputs = after(&mut issuer, now().plus_millis(999), issue(1, Profile::Name));
    let (code, issued, expires) = issued(&outputs);
    assert_eq!((issued, expires), (now(), now().plus_millis(60_000)));
    let claims = decode_code(&code.0).unwrap().claims().unwrap();
    assert_eq!((claims.issued, claims.expires), (issued, expires));
    assert_eq!(outputs[1], Output::Event(EidEvent::Issued { resident: known.id, profile: Profile::Name }));
}

#[test]
fn two_codes_of_one_moment_have_two_ids() {
    let (mut issuer, known) = (issuer(), resident(1));
    after(&mut issuer, now(), enrol(known.number.as_str(), &known.name_zh));
    let first = after(&mut issuer, now(), issue(1, Profile::Anon));
    let second = after(&mut issuer, now(), issue(1, Profile::Anon));
    assert_ne!(issued(&first).0, issued(&second).0);
}

#[test]
fn the_age_profile_tells_adults_from_children_on_the_day_of_issue() {
    let mut issuer = issuer();
    let known = resident(1);
    after(&mut issuer, now(), enrol(known.number.as_str(), &known.name_zh));
    let mut over_18 = |now: Timestamp| {
        let outputs = after(&mut issuer, now, issue(1, Profile::Age));
        let claims = decode_code(&issued(&outputs).0.0).unwrap().claims().unwrap();
        claims.identity.unwrap().disclosed.into_values().next().unwrap()
    };
    // Born on 1951-02-02; adult from 1969-02-02 on, which is day -333.
    assert_eq!(over_18(Timestamp::from_local(-333, 0).plus_millis(-1)), "false");
    assert_eq!(over_18(Timestamp::from_local(-333, 0)), "true");
}

#[test]
fn the_keys_are_published_whenever_the_bus_is_there() {
    let mut issuer = issuer();
    for _ in 0..2 {
        let out = after(&mut issuer, now(), Input::Connected);
        assert!(matches!(&out[..], [Output::Keys(set)] if set.keys.len() == 2), "{out:?}");
    }
}

#[test]
fn debug_shows_neither_the_secret_key_nor_a_name() {
    let shown = format!("{:?}", issuer());
    assert!(!shown.contains("42, 42") && !shown.contains("Wang"), "{shown}");
}

#[test]
fn a_name_cannot_be_guessed_and_a_number_nobody_has_is_limited_too() {
    let nobody = crate::testing::number_with_check("37079919010101001");
    for number in [resident(1).number.as_str(), &nobody] {
        let mut issuer = issuer();
        let mut ask = |millis: i64, name: &str| {
            let out = after(&mut issuer, now().plus_millis(millis), enrol(number, name));
            match &out[0] {
                Output::EnrolReply { reply: EnrolReply::Refused(refusal), .. } => Some(*refusal),
                _ => None,
            }
        };
        for _ in 0..FAILURES_A_NUMBER_MAX {
            assert_eq!(ask(0, "guess"), Some(EnrolRefusal::ResidentUnknown));
        }
        assert_eq!(ask(59_999, "guess"), Some(EnrolRefusal::RateLimited));
        assert_eq!(ask(59_999, &resident(1).name_zh), Some(EnrolRefusal::RateLimited));
        assert_eq!(ask(60_000, "guess"), Some(EnrolRefusal::ResidentUnknown));
    }
}

#[test]
fn a_caller_that_tries_many_numbers_waits() {
    let mut issuer = issuer();
    for n in 0..FAILURES_A_CALLER_MAX {
        after(&mut issuer, now(), enrol(&format!("{n:018}"), "guess"));
    }
    let out = after(&mut issuer, now(), enrol("another", "guess"));
    let limited = EnrolReply::Refused(EnrolRefusal::RateLimited);
    assert_eq!(out, [Output::EnrolReply { to: reply_to("phone"), reply: limited }]);
}

#[test]
fn the_keys_are_published_every_day_and_rotate_every_thirty() {
    let mut issuer = issuer();
    assert_eq!(issuer.next_timeout(), None);
    after(&mut issuer, now(), Input::Connected);
    let mut active = Vec::new();
    for _ in 0..62 {
        let at = issuer.next_timeout().unwrap();
        let mut out = Vec::new();
        issuer.handle_timeout(at, &mut out);
        let Some(Output::Keys(set)) = out.first() else { panic!("{out:?}") };
        let key = set.keys.iter().find(|key| key.state == crate::KeyState::Active).unwrap();
        active.push(key.kid.clone());
    }
    active.dedup();
    assert_eq!(active.len(), 3);
}
