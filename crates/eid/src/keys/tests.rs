use sha2::{Digest, Sha256};

use super::*;
use crate::testing::{key_set, now, root, signed};

fn public(algorithm: Algorithm, seed: u8) -> VerifyKey {
    SecretKey::from_seed(algorithm, [seed; 32]).public()
}

fn trusted() -> TrustedKeys {
    let mut keys = TrustedKeys::new(root());
    keys.adopt(now(), &key_set()).unwrap();
    keys
}

#[test]
fn what_is_not_a_key_is_not_read() {
    let good = PublicKey::publish(&public(Algorithm::EdDsa, 1), KeyState::Active, None);
    assert!(good.read().is_some());
    let y_2_is_not_on_the_curve = "0200000000000000000000000000000000000000000000000000000000000000";
    for (kid, key) in [
        ("", &*good.key),
        ("0123", &good.key),
        ("0123456789abcdeg", &good.key),
        ("+1234567-9abcdef", &good.key),
        (&good.kid, ""),
        (&good.kid, &good.key[1..]),
        (&good.kid, y_2_is_not_on_the_curve),
    ] {
        let key = PublicKey { kid: kid.to_owned(), key: key.to_owned(), ..good.clone() };
        assert!(key.read().is_none(), "{key:?}");
    }
    assert!(PublicKey { alg: Algorithm::Es256, ..good }.read().is_none());
}

#[test]
fn a_key_set_that_was_changed_or_is_not_signed_is_refused() {
    let check = |change: &dyn Fn(&mut KeySet)| {
        let mut set = key_set();
        change(&mut set);
        assert_eq!(trusted().adopt(now(), &set), Err(KeySetRefused::Signature), "{set:?}");
    };
    check(&|set| set.version += 1);
    check(&|set| set.issued = set.issued.plus_millis(1));
    check(&|set| set.keys[0].state = KeyState::Compromised);
    check(&|set| set.keys[0].until = Some(now()));
    check(&|set| set.keys.clear());
    check(&|set| set.status = Some("X".into()));
    check(&|set| set.signature.clear());
    check(&|set| set.sign(&SecretKey::from_seed(Algorithm::EdDsa, [1; 32])));
}

#[test]
fn a_lower_version_too_many_keys_and_an_old_set_are_refused() {
    let mut keys = TrustedKeys::new(root());
    keys.adopt(now(), &signed(KeySet { version: 3, ..key_set() })).unwrap();
    let rollback = signed(KeySet { version: 2, ..key_set() });
    assert_eq!(keys.adopt(now(), &rollback), Err(KeySetRefused::Rollback { got: 2, have: 3 }));
    let key = key_set().keys[0].clone();
    let many = signed(KeySet { version: 9, keys: vec![key; KEYS_MAX + 1], ..key_set() });
    assert_eq!(keys.adopt(now(), &many), Err(KeySetRefused::TooManyKeys(KEYS_MAX + 1)));
    let week = now().plus_millis(KEY_SET_AGE_MS_MAX);
    let set = signed(KeySet { version: 4, ..key_set() });
    assert_eq!(keys.adopt(week.plus_millis(1), &set), Err(KeySetRefused::TooOld));
    assert_eq!(keys.version(), Some(3));
    assert_eq!(keys.adopt(week, &set), Ok(()));
}

#[test]
fn a_set_that_has_become_too_old_knows_no_issuer() {
    let keys = trusted();
    let kid: KeyId = from_hex(&key_set().keys[0].kid).unwrap();
    let week = now().plus_millis(KEY_SET_AGE_MS_MAX);
    assert!(keys.find(week, Some(&kid)).is_some());
    assert_eq!(keys.find(week.plus_millis(1), Some(&kid)), None);
}

#[test]
fn a_key_is_good_while_active_and_while_what_it_signed_lives() {
    let key = public(Algorithm::EdDsa, 1);
    let good = |state, until| TrustedKey { key: key.clone(), state, until }.is_good(now());
    assert!(!good(KeyState::Next, None));
    assert!(good(KeyState::Active, None));
    assert!(good(KeyState::Retired, Some(now().plus_millis(1))));
    assert!(!good(KeyState::Retired, Some(now())));
    assert!(!good(KeyState::Compromised, Some(now().plus_millis(1))));
}

#[test]
fn a_key_id_is_the_hash_of_the_required_members() {
    let key = public(Algorithm::EdDsa, 7);
    // A map of three: kty 1, crv 6, x of 32 bytes (RFC 9679, 3 and 4.1).
    let input = [&[0xa3, 0x01, 0x01, 0x20, 0x06, 0x21, 0x58, 0x20], &key.to_bytes()[..]].concat();
    assert_eq!(key_id(&key), Sha256::digest(input)[..8]);
}

#[test]
fn a_root_is_read_back() {
    assert_eq!(RootKey::parse(&root().to_hex()), Some(root()));
    assert_eq!(RootKey::parse("00"), None);
}

#[test]
fn hex_is_read_back() {
    assert_eq!(to_hex(&[0x00, 0xff, 0x1a]), "00ff1a");
    assert_eq!(from_hex("00fF1a"), Some([0x00, 0xff, 0x1a]));
}

#[test]
fn a_set_is_a_cose_sign1_that_any_reader_of_those_can_check_with_the_root() {
    use coset::{CoseSign1, TaggedCborSerializable};
    let set = key_set();
    let cose = CoseSign1::from_tagged_slice(&set.to_cose().unwrap()).unwrap();
    let root = VerifyKey::read(Algorithm::EdDsa, &root().to_bytes()).unwrap();
    let check = |signature: &[u8], said: &[u8]| root.has_signed(said, signature).then_some(()).ok_or(());
    assert_eq!(cose.verify_signature(b"", check), Ok(()));
    assert_eq!(cose.verify_signature(b"another", check), Err(()));
    assert_eq!(KeySet { signature: "00".into(), ..set }.to_cose(), None);
}

#[test]
fn the_keys_of_a_set_are_a_cose_key_set_as_other_libraries_read_it() {
    use coset::{AsCborValue, CborSerializable, CoseKeySet, CoseSign1, KeyType, Label, RegisteredLabel};
    use coset::{TaggedCborSerializable, iana};
    let phone = SecretKey::from_seed(Algorithm::Es256, [1; 32]).public();
    let mut set = key_set();
    let until = now().plus_millis(5);
    set.keys.push(PublicKey::publish(&phone, KeyState::Retired, Some(until)));
    let set = signed(set);
    let cose = CoseSign1::from_tagged_slice(&set.to_cose().unwrap()).unwrap();
    let kind = iana::CoapContentFormat::CoseKeySet;
    assert_eq!(cose.protected.header.content_type, Some(RegisteredLabel::Assigned(kind)));
    let keys = CoseKeySet::from_slice(&cose.payload.unwrap()).unwrap().0;
    let ids = keys.iter().map(|key| to_hex(&key.key_id));
    assert_eq!(ids.collect::<Vec<_>>(), set.keys.iter().map(|key| key.kid.clone()).collect::<Vec<_>>());
    let kinds: Vec<_> = keys.iter().map(|key| key.kty.clone()).collect();
    assert_eq!(kinds, [KeyType::Assigned(iana::KeyType::OKP), KeyType::Assigned(iana::KeyType::EC2)]);
    let state = (Label::Text("state".into()), Value::from(KeyState::Retired as u8));
    let until = (Label::Text("until".into()), Value::from(until.as_millis()));
    assert!(keys[1].params.contains(&state) && keys[1].params.contains(&until));
    assert_eq!(VerifyKey::from_cose_key(&keys[1].clone().to_cbor_value().unwrap()), Some(phone));
}

#[test]
fn whatever_is_changed_in_a_set_the_root_did_not_sign_it() {
    let ended = Ended {
        phone: Some("00".repeat(8)),
        holder: "00".repeat(8),
        status: crate::CardStatus::Revoked,
        since: now(),
    };
    let set = signed(KeySet { ended: vec![ended.clone()], status: Some("6BF".into()), ..key_set() });
    let changed: [fn(&mut KeySet); 9] = [
        |set| set.version += 1,
        |set| set.issued = set.issued.plus_millis(1),
        |set| set.status = None,
        |set| set.keys[0].state = KeyState::Retired,
        |set| set.keys[0].until = Some(now()),
        |set| set.keys[0].kid.replace_range(0..1, "0"),
        |set| set.ended.clear(),
        |set| set.ended[0].status = crate::CardStatus::Suspended,
        |set| set.ended[0].phone = None,
    ];
    for (number, change) in changed.into_iter().enumerate() {
        let mut other = set.clone();
        change(&mut other);
        assert_ne!(other, set, "{number}");
        let adopted = TrustedKeys::new(root()).adopt(now(), &other);
        assert_eq!(adopted, Err(KeySetRefused::Signature), "{number}");
    }
    assert_eq!(TrustedKeys::new(root()).adopt(now(), &set), Ok(()));
}

#[test]
fn a_phones_key_is_made_of_coordinates_that_are_a_point_and_of_no_others() {
    let phone = SecretKey::from_seed(Algorithm::Es256, [1; 32]).public();
    let [x, y] = &phone.coordinates()[..] else { panic!("x and y") };
    assert_eq!(PublicKey::of_phone(x, y), Some(to_hex(&phone.to_bytes())));
    assert_eq!(PublicKey::of_phone(y, x), None);
    assert_eq!(PublicKey::of_phone(x, &[]), None);
}

#[test]
fn coordinates_are_those_of_the_key() {
    let ours = SecretKey::from_seed(Algorithm::Es256, [1; 32]).public();
    let published = PublicKey::publish(&ours, KeyState::Active, None);
    let [x, y] = &published.coordinates().unwrap()[..] else { panic!("x and y") };
    let read = VerifyKey::read(Algorithm::Es256, &[&[4], &x[..], y].concat());
    assert_eq!(read, Some(ours));
    assert_eq!(PublicKey { key: "00".into(), ..published }.coordinates(), None);
}
