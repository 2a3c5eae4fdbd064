//! What a code costs: issued, proved, drawn, verified; each beside the bare signatures in it.

use std::fmt;
use std::hint::black_box;
use std::time::Duration;

use ed25519_dalek::{Signer as _, SigningKey, Verifier as _};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use types::{Core, ReplyTo, ResidentId, Seed, Timestamp};

use crate::qr::{Level, Symbol};
use crate::{
    BirthDate, CredentialReply, Demand, EnrolRequest, Gender, IssueReply, IssueRequest, Issuer, LifeState,
    Phone, PhoneKey, Profile, QrText, Registry, Resident, ResidentNo, UNREAL_REGION, Verdict, Verifier,
    VerifyRequest, issuer, phone, verifier,
};

/// The time since some moment: this crate has no clock.
pub type Stopwatch<'a> = &'a dyn Fn() -> Duration;

/// Rounds of one measurement; the best counts, since others only ever disturb.
const ROUNDS: u32 = 7;
/// How long one round takes at least.
const ROUND: Duration = Duration::from_millis(200);
/// Codes that are made before they are verified in one go.
const BATCH: usize = 512;
/// What is signed in a code, about \[bytes\].
const SIGNED_LEN: usize = 200;

/// What one thing costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// What was done.
    pub what: String,
    /// On one core \[us\].
    pub micros: f64,
    /// What the bare signatures in it cost \[us\]; `None` if there is none.
    pub floor_micros: Option<f64>,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, micros, floor_micros } = self;
        write!(f, "{what:38} {micros:9.1} us {:9.0}/s", 1e6 / micros)?;
        floor_micros.map_or(Ok(()), |floor| write!(f, " {:6.2} x its signatures", micros / floor))
    }
}

/// Measures everything in these profiles, and hands each figure over as it comes. Takes about 20 s a profile.
///
/// # Errors
///
/// The first of `tell`; then nothing more is measured.
pub fn measure<E>(
    profiles: &[Profile],
    stopwatch: Stopwatch<'_>,
    mut tell: impl FnMut(Cost) -> Result<(), E>,
) -> Result<(), E> {
    let bench = Bench { stopwatch };
    let floor = Floor::measure(&bench);
    let mut tell = |what: String, micros, floor_micros| tell(Cost { what, micros, floor_micros });
    for (what, micros) in floor.named() {
        tell(format!("bare signature: {what}"), micros, None)?;
    }
    for &profile in profiles {
        let name = profile.name();
        let mut city = City::new();
        let issue = bench.best(|| city.issue(profile));
        tell(format!("rotating code by the issuer, {name}"), issue, Some(floor.sign_ed25519))?;
        let renew = city.renew_cost(profile, &bench);
        tell(format!("rotating code by a phone, {name}"), renew, Some(floor.sign_p256))?;
        let plain = city.verify_cost(&bench, |city| city.issue(profile));
        tell(format!("verify the issuer's, {name}"), plain, Some(floor.verify_ed25519))?;
        let full = city.verify_cost(&bench, |city| city.proved(profile));
        let both = floor.verify_ed25519 + floor.verify_p256;
        tell(format!("verify with holder proof, {name}"), full, Some(both))?;
        for (whose, code) in [("issuer's", city.issue(profile)), ("phone's", city.proved(profile))] {
            let svg = bench
                .best(|| Symbol::from_text(black_box(&code.0), Level::Low).map(|symbol| symbol.to_svg()));
            let side = Symbol::from_text(&code.0, Level::Low).map_or(0, |symbol| symbol.side());
            tell(format!("QR and SVG of {whose} {side}, {name}"), svg, None)?;
        }
    }
    Ok(())
}

/// Measures with a stopwatch.
struct Bench<'a> {
    stopwatch: Stopwatch<'a>,
}

impl Bench<'_> {
    /// The best time of one call \[us\].
    fn best<T>(&self, mut work: impl FnMut() -> T) -> f64 {
        let mut round = || {
            let (start, mut calls) = ((self.stopwatch)(), 0u32);
            loop {
                black_box(work());
                calls += 1;
                let elapsed = (self.stopwatch)() - start;
                if elapsed >= ROUND {
                    return elapsed.as_secs_f64() * 1e6 / f64::from(calls);
                }
            }
        };
        (0..ROUNDS).map(|_| round()).fold(f64::MAX, f64::min)
    }
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
    fn measure(bench: &Bench<'_>) -> Self {
        let message = [1; SIGNED_LEN];
        let ed25519 = SigningKey::from_bytes(&[7; 32]);
        let (signature, ed25519_public) = (ed25519.sign(&message), ed25519.verifying_key());
        let p256 = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a scalar");
        let proof: p256::ecdsa::Signature = p256.sign(&message);
        let point = p256.verifying_key().to_sec1_point(false);
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.as_bytes());
        let sign_p256 = || p256::ecdsa::signature::Signer::<p256::ecdsa::Signature>::sign(&p256, &message);
        Self {
            sign_ed25519: bench.best(|| ed25519.sign(black_box(&message))),
            verify_ed25519: bench.best(|| {
                assert!(ed25519_public.verify(black_box(&message), &signature).is_ok());
            }),
            sign_p256: bench.best(sign_p256),
            verify_p256: bench
                .best(|| assert!(public.verify(black_box(&message), &proof.to_bytes()).is_ok())),
        }
    }
}

impl Floor {
    fn named(&self) -> [(&'static str, f64); 4] {
        [
            ("Ed25519 sign", self.sign_ed25519),
            ("Ed25519 verify", self.verify_ed25519),
            ("P-256 sign", self.sign_p256),
            ("P-256 verify", self.verify_p256),
        ]
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
            portrait: 42,
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
    fn renew_cost(&mut self, profile: Profile, bench: &Bench<'_>) -> f64 {
        let (mut phone, _) = self.phone(profile);
        bench.best(|| {
            let mut out = Vec::with_capacity(2);
            phone.handle(now(), phone::Input::Show { profile, ward: None }, &mut out);
            assert!(matches!(out.last(), Some(phone::Output::Display { .. })));
            out
        })
    }

    /// What it costs to verify a fresh code, each its own \[us\].
    fn verify_cost(&mut self, bench: &Bench<'_>, make: impl Fn(&mut Self) -> QrText) -> f64 {
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
            let start = (bench.stopwatch)();
            for (n, request) in (0..).zip(requests) {
                verifier.handle(now(), verifier::Input::Verify { from: reply_to(n), request }, &mut out);
            }
            best = best.min(((bench.stopwatch)() - start).as_secs_f64() * 1e6 / BATCH as f64);
            let is_good = |output: &verifier::Output| {
                !matches!(output, verifier::Output::Verdict { verdict: Verdict::Refused(_), .. })
            };
            assert!(out.iter().all(is_good), "every code is fresh");
        }
        best
    }
}
