//! What a code costs: issued, proved, drawn, verified; each beside the bare signatures in it, as a ratio.
//!
//! Run with `cargo bench -p eid`. Every figure is the best of several rounds on one core.
#![allow(clippy::print_stdout, reason = "a bench tells what it measured")]
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use ed25519_dalek::{Signer as _, SigningKey, Verifier as _};
use eid::qr::{Level, Symbol};
use eid::{
    BirthDate, CredentialReply, Demand, EnrolRequest, Gender, IssueReply, IssueRequest, Issuer, LifeState,
    Phone, PhoneKey, Profile, QrText, Registry, Resident, ResidentNo, UNREAL_REGION, Verdict, Verifier,
    VerifyRequest, issuer, phone, verifier,
};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use types::{Core, ReplyTo, ResidentId, Seed, Timestamp};

/// Rounds of one measurement; the best counts, since others only ever disturb.
const ROUNDS: u32 = 7;
/// How long one round takes at least.
const ROUND: Duration = Duration::from_millis(200);
/// Codes that are made before they are verified in one go.
const BATCH: usize = 512;
/// What is signed in a code, about \[bytes\].
const SIGNED_LEN: usize = 200;

fn main() {
    let floor = Floor::measure();
    println!("bare signatures, us: {floor:.1?}");
    println!("{:34} {:>9} {:>11} {:>9}", "", "us", "per second", "x floor");
    for profile in [Profile::Anon, Profile::Name, Profile::Full] {
        let name = profile.name();
        let mut city = City::new();
        let issue = best(|| city.issue(profile));
        tell(&format!("rotating code by the issuer, {name}"), issue, floor.sign_ed25519);
        let renew = city.renew_cost(profile);
        tell(&format!("rotating code by a phone, {name}"), renew, floor.sign_p256);
        let plain = city.verify_cost(|city| city.issue(profile));
        tell(&format!("verify the issuer's, {name}"), plain, floor.verify_ed25519);
        let full = city.verify_cost(|city| city.proved(profile));
        tell(&format!("verify with holder proof, {name}"), full, floor.verify_ed25519 + floor.verify_p256);
        for (what, code) in [("issuer's", city.issue(profile)), ("phone's", city.proved(profile))] {
            let svg =
                best(|| Symbol::from_text(black_box(&code.0), Level::Low).map(|symbol| symbol.to_svg()));
            let side = Symbol::from_text(&code.0, Level::Low).map_or(0, |symbol| symbol.side());
            tell(&format!("QR and SVG of {what} {side}, {name}"), svg, floor.sign_ed25519);
        }
    }
}

fn tell(what: &str, micros: f64, floor: f64) {
    println!("{what:34} {micros:9.1} {:11.0} {:9.2}", 1e6 / micros, micros / floor);
}

/// The best time of one call \[us\].
fn best<T>(mut work: impl FnMut() -> T) -> f64 {
    let round = |work: &mut dyn FnMut() -> T| {
        let (start, mut calls) = (Instant::now(), 0u32);
        while start.elapsed() < ROUND {
            black_box(work());
            calls += 1;
        }
        start.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
    };
    (0..ROUNDS).map(|_| round(&mut work)).fold(f64::MAX, f64::min)
}

/// What the signatures of a code cost by themselves \[us\].
#[derive(Debug)]
struct Floor {
    sign_ed25519: f64,
    verify_ed25519: f64,
    sign_p256: f64,
    verify_p256: f64,
}

impl Floor {
    fn measure() -> Self {
        let message = [1; SIGNED_LEN];
        let ed25519 = SigningKey::from_bytes(&[7; 32]);
        let (signature, ed25519_public) = (ed25519.sign(&message), ed25519.verifying_key());
        let p256 = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a scalar");
        let proof: p256::ecdsa::Signature = p256.sign(&message);
        let point = p256.verifying_key().to_sec1_point(false);
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.as_bytes());
        let sign_p256 = || p256::ecdsa::signature::Signer::<p256::ecdsa::Signature>::sign(&p256, &message);
        Self {
            sign_ed25519: best(|| ed25519.sign(black_box(&message))),
            verify_ed25519: best(|| {
                assert!(ed25519_public.verify(black_box(&message), &signature).is_ok());
            }),
            sign_p256: best(sign_p256),
            verify_p256: best(|| assert!(public.verify(black_box(&message), &proof.to_bytes()).is_ok())),
        }
    }
}

fn now() -> Timestamp {
    Timestamp::from_local(20_561, 0)
}

fn reply_to(n: u32) -> ReplyTo {
    ReplyTo { path: "bench".into(), correlation: n.to_be_bytes().into() }
}

/// One issuer, one resident with a phone, one verifier.
struct City {
    issuer: Issuer,
    asked: u32,
}

impl City {
    fn new() -> Self {
        let birth = BirthDate::new(1988, 1, 2).expect("a date");
        let number = ResidentNo::new(UNREAL_REGION, birth, 1).expect("a number");
        let resident = Resident {
            id: ResidentId(42),
            number,
            name_zh: "王小明".into(),
            name_en: "Wang Xiaoming".into(),
            birth,
            gender: Gender::Male,
            address: "东风东街120号3单元501室\n潍坊市奎文区".into(),
            district_code: 370_705,
            life: LifeState::Active,
        };
        let name = resident.name_zh.clone();
        let request = EnrolRequest { resident_no: number.as_str().to_owned(), name };
        let code_ids = Seed(1).stream("cti", 0);
        let mut issuer = Issuer::new(Registry::new([resident]), [7; 32], "kitecity", code_ids);
        issuer.handle(now(), issuer::Input::Enrol { from: reply_to(0), request }, &mut Vec::new());
        Self { issuer, asked: 0 }
    }

    fn issue(&mut self, profile: Profile) -> QrText {
        let mut out = Vec::with_capacity(2);
        let request = IssueRequest { resident: ResidentId(42), profile };
        self.issuer.handle(now(), issuer::Input::Issue { from: reply_to(0), request }, &mut out);
        match out.swap_remove(0) {
            issuer::Output::IssueReply { reply: IssueReply::Issued { code, .. }, .. } => code,
            other => unreachable!("{other:?}"),
        }
    }

    /// A phone that shows this, and its first code.
    fn phone(&mut self, profile: Profile) -> (Phone, QrText) {
        self.asked += 1;
        let nonces = Seed(2).stream("nonces", self.asked.into());
        let mut phone = Phone::new(ResidentId(42), PhoneKey::from_seed([9; 32]), nonces);
        let (mut out, mut answers) = (Vec::new(), Vec::new());
        phone.handle(now(), phone::Input::Show { profile, ward: None }, &mut out);
        let Some(phone::Output::Request(request)) = out.pop() else { unreachable!("it asks") };
        self.issuer.handle(now(), issuer::Input::Credentials { from: reply_to(0), request }, &mut answers);
        let issuer::Output::CredentialReply { reply, .. } = answers.swap_remove(0) else {
            unreachable!("an answer")
        };
        assert!(matches!(reply, CredentialReply::Issued { .. }), "{reply:?}");
        phone.handle(now(), phone::Input::Reply(reply), &mut out);
        let Some(phone::Output::Display { code, .. }) = out.pop() else { unreachable!("it displays") };
        (phone, code)
    }

    fn proved(&mut self, profile: Profile) -> QrText {
        self.phone(profile).1
    }

    /// What the next proof of a phone costs, with everything up to the text of the symbol \[us\].
    fn renew_cost(&mut self, profile: Profile) -> f64 {
        let (mut phone, _) = self.phone(profile);
        best(|| {
            let mut out = Vec::with_capacity(2);
            phone.handle(now(), phone::Input::Show { profile, ward: None }, &mut out);
            assert!(matches!(out.last(), Some(phone::Output::Display { .. })));
            out
        })
    }

    /// What it costs to verify a fresh code, each its own \[us\].
    fn verify_cost(&mut self, make: impl Fn(&mut Self) -> QrText) -> f64 {
        let keys = self.issuer.key_set(now());
        let counter = "bench".parse().expect("a slug");
        let mut best = f64::MAX;
        for _ in 0..ROUNDS {
            let requests: Vec<VerifyRequest> = (0..BATCH)
                .map(|_| make(self))
                .map(|code| VerifyRequest {
                    code,
                    verifier: counter,
                    reference: String::new(),
                    demand: Demand::default(),
                })
                .collect();
            let mut verifier = Verifier::new(self.issuer.root());
            verifier.handle(now(), verifier::Input::Keys(keys.clone()), &mut Vec::new());
            let mut out = Vec::with_capacity(2 * BATCH);
            let start = Instant::now();
            for (n, request) in (0..).zip(requests) {
                verifier.handle(now(), verifier::Input::Verify { from: reply_to(n), request }, &mut out);
            }
            best = best.min(start.elapsed().as_secs_f64() * 1e6 / BATCH as f64);
            let is_good = |output: &verifier::Output| {
                !matches!(output, verifier::Output::Verdict { verdict: Verdict::Refused(_), .. })
            };
            assert!(out.iter().all(is_good), "every code is fresh");
        }
        best
    }
}
