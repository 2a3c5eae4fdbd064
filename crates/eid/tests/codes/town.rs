//! A phone, an issuer and a verifier that are joined by hand, through the public API only.

use eid::{
    Algorithm, BirthDate, EnrolRequest, Gender, Holder, Issuer, LifeState, Profile, QrText, Registry,
    Resident, ResidentNo, UNREAL_REGION, holder, issuer,
};
use types::{Core, ReplyTo, ResidentId, SECOND_MS, Seed, Timestamp};

/// All profiles.
pub(crate) const PROFILES: [Profile; 5] = Profile::ALL;

/// 2026-04-18, 12:00 in Weifang.
pub(crate) fn noon() -> Timestamp {
    Timestamp::from_local(20_561, 12 * 3_600 * SECOND_MS)
}

/// A resident by seed: any age, names of two to four characters, an address of two lines.
pub(crate) fn resident(n: u32) -> Resident {
    let mut chance = Seed(2026).stream("resident", n.into());
    let birth = BirthDate::from_days(20_561 - chance.below(36_500) as i64).unwrap();
    let number = ResidentNo::new(UNREAL_REGION, birth, (n % 1000) as u16).unwrap();
    let mut characters = |count: u64| -> String {
        (0..count).map(|_| char::from_u32(0x4e00 + chance.below(20_000) as u32).unwrap()).collect()
    };
    let (surname, given) = (characters(1), characters(1 + u64::from(n) % 3));
    let street = characters(3);
    Resident {
        id: ResidentId(n),
        number,
        name_zh: surname + &given,
        name_en: ["Wang Xiaoming", "Ouyang Zhenhua", "Li Na", "Zhuge Liangliang"][n as usize % 4].to_owned(),
        birth,
        gender: if n % 2 == 1 { Gender::Male } else { Gender::Female },
        address: format!("{street}街{}号{}单元{}室\n潍坊市奎文区", n % 300, n % 5 + 1, n % 20 * 100 + 1),
        district_code: 370_705,
        portrait: n.into(),
        life: LifeState::Active,
    }
}

/// Where an answer goes; one for each number.
pub(crate) fn reply_to(n: u32) -> ReplyTo {
    ReplyTo { path: "test".into(), correlation: Box::new(n.to_be_bytes()) }
}

/// An issuer with residents `0..count`, all enrolled.
pub(crate) fn issuer_with(count: u32) -> Issuer {
    issuer_signing_with(Algorithm::EdDsa, count)
}

/// The same with another algorithm.
pub(crate) fn issuer_signing_with(algorithm: Algorithm, count: u32) -> Issuer {
    let registry = Registry::new((0..count).map(resident));
    assert_eq!(registry.len(), count as usize);
    let code_ids = Seed(1).stream("cti", 0);
    let mut issuer = Issuer::signing_with(algorithm, registry, [7; 32], "kitecity", code_ids);
    let mut out = Vec::new();
    for n in 0..count {
        let known = resident(n);
        let request = EnrolRequest { resident_no: known.number.as_str().to_owned(), name: known.name_zh };
        issuer.handle(noon(), issuer::Input::Enrol { from: reply_to(n), request }, &mut out);
    }
    assert_eq!(out.len(), 2 * count as usize, "an answer and an event each");
    issuer
}

/// What a phone displays when its owner wants to show a code.
pub(crate) fn displayed(
    issuer: &mut Issuer,
    now: Timestamp,
    resident: ResidentId,
    profile: Profile,
) -> QrText {
    let (mut phone, mut from_phone, mut from_issuer) = (Holder::new(), Vec::new(), Vec::new());
    phone.handle(now, holder::Input::Show { resident, profile }, &mut from_phone);
    let Some(holder::Output::Request(request)) = from_phone.pop() else { panic!("the phone asks") };
    issuer.handle(now, issuer::Input::Issue { from: reply_to(0), request }, &mut from_issuer);
    let issuer::Output::IssueReply { reply, .. } = from_issuer.remove(0) else {
        panic!("the issuer answers")
    };
    phone.handle(now, holder::Input::Reply(reply), &mut from_phone);
    let Some(holder::Output::Display { code, .. }) = from_phone.pop() else { panic!("the phone displays") };
    code
}
