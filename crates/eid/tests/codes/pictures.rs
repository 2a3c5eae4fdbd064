//! Codes as a camera sees them: drawn, read back from the picture by an independent reader, verified.

use crate::phones::displayed_by_phone;
use crate::strict_inflate::inflates_without_stored_blocks;
use crate::town::{PROFILES, displayed, issuer_with, noon, reply_to};
use eid::qr::{Level, QUIET_ZONE, SCREEN_MODULES_MAX, Symbol};
use eid::{
    Demand, Profile, PseudonymKey, QrText, Refusal, RefusalReason, Verdict, Verifier, VerifyRequest, issuer,
    verifier,
};
use types::{Core, ResidentId, Timestamp, VerifierId};

const RESIDENTS: u32 = 1_000;
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

fn kiosk(n: u32) -> VerifierId {
    format!("kiosk-{}", n / 100).parse().unwrap()
}

pub(crate) fn verify(verifier: &mut Verifier, now: Timestamp, code: &str, n: u32) -> Verdict {
    let code = QrText(code.to_owned());
    let request =
        VerifyRequest { code, verifier: kiosk(n), reference: String::new(), demand: Demand::default() };
    let mut out = Vec::new();
    verifier.handle(now, verifier::Input::Verify { from: reply_to(n), request }, &mut out);
    match out.remove(0) {
        verifier::Output::Verdict { verdict, .. } => verdict,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn reason_of(verdict: &Verdict) -> Option<RefusalReason> {
    match verdict {
        Verdict::Refused(refusal) => Some(refusal.reason),
        Verdict::Accepted { .. } => None,
    }
}

/// Who makes the code that is shown.
#[derive(Clone, Copy)]
enum Mode {
    /// The issuer, for each showing.
    Issuer,
    /// The holder's phone.
    Phone,
}

/// What these residents show is read back from its picture, accepted once, and refused the second time. Every second
/// of them shows it on a screen, the others on paper.
fn each_is_accepted_once(mode: Mode, profile: Profile, residents: impl Iterator<Item = u32>) {
    let mut issuer = issuer_with(RESIDENTS);
    let pseudonyms = PseudonymKey::of_issuer([1; 32]);
    let known_as = |n| pseudonyms.pseudonym(ResidentId(n), kiosk(2 * n));
    let mut verifier = Verifier::new(issuer.root()).with_pseudonyms(pseudonyms.clone());
    verifier.handle(noon(), verifier::Input::Keys(issuer.key_set(noon())), &mut Vec::new());
    for n in residents {
        let code = match mode {
            Mode::Issuer => displayed(&mut issuer, noon(), ResidentId(n), profile),
            Mode::Phone => displayed_by_phone(&mut issuer, noon(), ResidentId(n), profile).1,
        };
        let level = if n % 2 == 0 { Level::Low } else { Level::Medium };
        let symbol = Symbol::from_text(&code.0, level).unwrap();
        let (side, length) = (symbol.side(), code.0.len());
        // A phone's code carries its key and its proof; on paper, where neither makes sense, it may be larger.
        assert!(side <= SCREEN_MODULES_MAX || level != Level::Low, "{side} modules for {length} characters");
        assert!(inflates_without_stored_blocks(&base45::decode(&code.0).unwrap()));
        let seen = read_back(&symbol);
        assert_eq!(seen, code.0);
        let verdict = verify(&mut verifier, noon(), &seen, 2 * n);
        assert!(
            matches!(verdict, Verdict::Accepted { pseudonym, .. } if pseudonym == known_as(n)),
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
fn a_stored_block_is_noticed() {
    let stored = [0x78, 0x01, 0x01, 0x01, 0x00, 0xfe, 0xff, b'k', 0x00, 0x6c, 0x00, 0x6c];
    assert!(!inflates_without_stored_blocks(&stored));
}

const MODES: [Mode; 2] = [Mode::Issuer, Mode::Phone];

/// Each of a thousand residents in one mode and profile, a tenth of them in each.
fn a_tenth(mode: Mode) {
    for (at, profile) in PROFILES.into_iter().enumerate() {
        let place = at as u32 + if matches!(mode, Mode::Phone) { PROFILES.len() as u32 } else { 0 };
        each_is_accepted_once(mode, profile, (0..RESIDENTS).filter(|n| n / 2 % 10 == place));
    }
}

#[test]
fn codes_of_the_issuer_are_read_from_their_pictures() {
    a_tenth(Mode::Issuer);
}

#[test]
fn codes_of_phones_are_read_from_their_pictures() {
    a_tenth(Mode::Phone);
}

#[test]
#[ignore = "ten thousand pictures take minutes"]
fn all_codes_of_a_thousand_residents_are_read_from_their_pictures() {
    for mode in MODES {
        for profile in PROFILES {
            each_is_accepted_once(mode, profile, 0..RESIDENTS);
        }
    }
}

#[test]
fn a_url_is_read_from_its_picture() {
    for text in ["http://127.0.0.1:8080/citizen?lang=zh", "潍坊 kite"] {
        assert_eq!(read_back(&Symbol::from_text(text, Level::Medium).unwrap()), text);
    }
}
