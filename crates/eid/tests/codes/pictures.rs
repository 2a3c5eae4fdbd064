//! Codes as a camera sees them: drawn, read back from the picture by an independent reader, verified.

use crate::town::{displayed, issuer_with, noon, reply_to};
use eid::qr::{Level, QUIET_ZONE, SCREEN_MODULES_MAX, Symbol};
use eid::{
    Demand, Profile, QrText, Refusal, RefusalReason, Verdict, Verifier, VerifyRequest, issuer, verifier,
};
use types::{Core, ResidentId, Timestamp};

const RESIDENTS: u32 = 200;
const PIXELS_PER_MODULE: usize = 3;

fn read_back(symbol: &Symbol) -> String {
    let side = (symbol.side() + 2 * QUIET_ZONE) * PIXELS_PER_MODULE;
    let module = |pixel: usize| (pixel / PIXELS_PER_MODULE).wrapping_sub(QUIET_ZONE);
    let luma = |x, y| if symbol.is_dark(module(x), module(y)) { 0 } else { 255 };
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(side, side, luma);
    let grids = picture.detect_grids();
    assert_eq!(grids.len(), 1, "one symbol is found");
    grids[0].decode().unwrap().1
}

fn verify(verifier: &mut Verifier, now: Timestamp, code: &str, n: u32) -> Verdict {
    let code = QrText(code.to_owned());
    let request = VerifyRequest {
        code,
        verifier: format!("kiosk-{}", n / 100).parse().unwrap(),
        reference: String::new(),
        demand: Demand::default(),
    };
    let mut out = Vec::new();
    verifier.handle(now, verifier::Input::Verify { from: reply_to(n), request }, &mut out);
    match out.remove(0) {
        verifier::Output::Verdict { verdict, .. } => verdict,
        other => panic!("{other:?}"),
    }
}

fn every_resident_is_accepted_once(profile: Profile) {
    let mut issuer = issuer_with(RESIDENTS);
    let mut verifier = Verifier::new(issuer.root());
    verifier.handle(noon(), verifier::Input::Keys(issuer.key_set(noon())), &mut Vec::new());
    for n in 0..RESIDENTS {
        let code = displayed(&mut issuer, noon(), ResidentId(n), profile);
        let level = if n % 2 == 0 { Level::Low } else { Level::Medium };
        let symbol = Symbol::from_text(&code.0, level).unwrap();
        assert!(
            symbol.side() <= SCREEN_MODULES_MAX,
            "{} modules for {} characters",
            symbol.side(),
            code.0.len()
        );
        let seen = read_back(&symbol);
        assert_eq!(seen, code.0);
        let verdict = verify(&mut verifier, noon(), &seen, 2 * n);
        assert!(
            matches!(verdict, Verdict::Accepted { resident: ResidentId(m), .. } if m == n),
            "{verdict:?}"
        );
        let replayed = Refusal { first_seen: Some(noon()), ..RefusalReason::TokenReplayed.into() };
        assert_eq!(verify(&mut verifier, noon(), &seen, 2 * n + 1), Verdict::Refused(replayed));
    }
}

#[test]
fn a_screenshot_shown_after_a_minute_and_the_skew_is_expired() {
    let mut issuer = issuer_with(1);
    let mut verifier = Verifier::new(issuer.root());
    verifier.handle(noon(), verifier::Input::Keys(issuer.key_set(noon())), &mut Vec::new());
    let code = displayed(&mut issuer, noon(), ResidentId(0), Profile::Name);
    let late = noon().plus_millis(1_000 * issuer::CODE_LIFE_S + verifier::SKEW_MS);
    let refused = RefusalReason::TokenExpired.into();
    assert_eq!(verify(&mut verifier, late, &code.0, 0), Verdict::Refused(refused));
}

#[test]
fn anonymous_codes_are_read_from_their_pictures() {
    every_resident_is_accepted_once(Profile::Anon);
}

#[test]
fn age_codes_are_read_from_their_pictures() {
    every_resident_is_accepted_once(Profile::Age);
}

#[test]
fn name_codes_are_read_from_their_pictures() {
    every_resident_is_accepted_once(Profile::Name);
}

#[test]
fn full_codes_are_read_from_their_pictures() {
    every_resident_is_accepted_once(Profile::Full);
}

#[test]
fn a_url_is_read_from_its_picture() {
    for text in ["http://127.0.0.1:8080/citizen?lang=zh", "潍坊 kite"] {
        assert_eq!(read_back(&Symbol::from_text(text, Level::Medium).unwrap()), text);
    }
}
