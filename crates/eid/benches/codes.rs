//! What a code costs: issued, drawn, verified. Run with `cargo bench -p eid`.
//!
//! The floor of the first is one Ed25519 signature (about 15 µs), that of the last one strict verification (about
//! 36 µs); both are measured here too.

use divan::{Bencher, black_box, counter::ItemsCount};
use ed25519_dalek::{Signer, SigningKey};
use eid::qr::{Level, Symbol};
use eid::{
    BirthDate, Demand, EnrolRequest, Gender, IssueReply, IssueRequest, Issuer, LifeState, Profile, QrText,
    Registry, Resident, ResidentNo, UNREAL_REGION, Verifier, VerifyRequest, issuer, verifier,
};
use types::{Core, ReplyTo, ResidentId, Seed, Timestamp};

const PROFILES: [Profile; 2] = [Profile::Name, Profile::Full];

fn main() {
    divan::main();
}

fn now() -> Timestamp {
    Timestamp::from_local(20_561, 0)
}

fn reply_to() -> ReplyTo {
    ReplyTo { path: "bench".into(), correlation: Box::new([]) }
}

fn issuer() -> Issuer {
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
    let request = EnrolRequest { resident_no: number.as_str().to_owned(), name: resident.name_zh.clone() };
    let mut issuer = Issuer::new(Registry::new([resident]), [7; 32], "kitecity", Seed(1).stream("cti", 0));
    issuer.handle(now(), issuer::Input::Enrol { from: reply_to(), request }, &mut Vec::new());
    issuer
}

fn issue(issuer: &mut Issuer, profile: Profile) -> QrText {
    let mut out = Vec::with_capacity(2);
    let request = IssueRequest { resident: ResidentId(42), profile };
    issuer.handle(now(), issuer::Input::Issue { from: reply_to(), request }, &mut out);
    match out.swap_remove(0) {
        issuer::Output::IssueReply { reply: IssueReply::Issued { code, .. }, .. } => code,
        other => unreachable!("{other:?}"),
    }
}

#[divan::bench(args = PROFILES)]
fn issue_a_code(bencher: Bencher<'_, '_>, profile: &Profile) {
    let mut issuer = issuer();
    bencher.counter(ItemsCount::new(1usize)).bench_local(|| issue(&mut issuer, *profile));
}

#[divan::bench(args = PROFILES)]
fn draw_a_code_as_svg(bencher: Bencher<'_, '_>, profile: &Profile) {
    let code = issue(&mut issuer(), *profile);
    bencher
        .counter(ItemsCount::new(1usize))
        .bench_local(|| Symbol::from_text(black_box(&code.0), Level::Low).expect("it fits").to_svg());
}

#[divan::bench(args = PROFILES)]
fn verify_a_fresh_code(bencher: Bencher<'_, '_>, profile: &Profile) {
    let mut issuer = issuer();
    let mut verifier = Verifier::new(issuer.root());
    verifier.handle(now(), verifier::Input::Keys(issuer.key_set(now())), &mut Vec::new());
    let counter = "bench".parse().expect("a slug");
    bencher
        .counter(ItemsCount::new(1usize))
        .with_inputs(|| VerifyRequest {
            code: issue(&mut issuer, *profile),
            verifier: counter,
            reference: String::new(),
            demand: Demand::default(),
        })
        .bench_local_values(|request| {
            let mut out = Vec::with_capacity(2);
            verifier.handle(now(), verifier::Input::Verify { from: reply_to(), request }, &mut out);
            out
        });
}

#[divan::bench]
fn floor_of_issuing(bencher: Bencher<'_, '_>) {
    let key = SigningKey::from_bytes(&[7; 32]);
    bencher.counter(ItemsCount::new(1usize)).bench_local(|| key.sign(black_box(&[1; 200])));
}

#[divan::bench]
fn floor_of_verifying(bencher: Bencher<'_, '_>) {
    let key = SigningKey::from_bytes(&[7; 32]);
    let signature = key.sign(&[1; 200]);
    bencher
        .counter(ItemsCount::new(1usize))
        .bench_local(|| key.verifying_key().verify_strict(black_box(&[1; 200]), &signature));
}
