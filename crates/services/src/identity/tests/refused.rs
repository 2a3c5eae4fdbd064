//! What is refused: by which status and code. The numbers are those of docs/eid.md.

use std::io::{Read, Write};

use base64::Engine;
use eid::{ManageReply, ManageRequest, Profile, Refusal, RefusalReason};

use super::*;

type Expected = (u16, &'static str);

impl City {
    async fn refused(&self, reader: &str, code: &str, expected: Expected) -> Value {
        let (status, problem) = self.verify(reader, code).await;
        assert_eq!((status, problem["code"].as_str().unwrap_or_default()), expected, "{problem}");
        assert!(problem["stage"].is_string() && problem["detail_zh"].is_string(), "{problem}");
        assert_eq!(problem["status"], status);
        problem
    }

    /// Digits to read aloud.
    async fn digits(&self, session: &str, wish: Value) -> String {
        let answer = self.done("post", "/v1/spoken", session, &wish).await;
        answer["spoken"].as_str().unwrap().to_owned()
    }

    async fn card(&self, number: u32) -> String {
        let (resident, profile) = (ResidentId(number), Profile::Name);
        let wish = RequestBody::Manage(ManageRequest::PrintCard { resident, profile, days: 9 });
        match self.beside_http(wish).await {
            ReplyBody::Manage(ManageReply::Card { code, .. }) => code.0,
            other => panic!("{other:?}"),
        }
    }
}

/// The text of a code around these bytes.
fn text_of(bytes: &[u8]) -> String {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(bytes).unwrap();
    base45::encode(zlib.finish().unwrap())
}

fn bytes_of(code: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let packed = base45::decode(code).unwrap();
    flate2::read::ZlibDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn n1_n2_n3_n4_n5_what_is_no_code() {
    let city = City::new();
    for prefixed in ["?", "HC1:6BF", "6bf"] {
        city.refused("bus", prefixed, (400, "qr_not_base45")).await;
    }
    city.refused("bus", &base45::encode([0x78, 0xda]), (400, "qr_bad_compression")).await;
    city.refused("bus", &text_of(&[0; 70_000]), (413, "qr_too_large")).await;
    city.refused("bus", &"0".repeat(5_000), (413, "qr_too_large")).await;
    city.refused("bus", "", (400, "qr_empty")).await;
    city.refused("bus", &text_of(b"\x80"), (400, "cose_invalid")).await;
    // [<< {1: 5} >>, {}, h'', h'']: HMAC 256/256.
    city.refused("bus", &text_of(b"\x84\x43\xa1\x01\x05\xa0\x40\x40"), (400, "alg_not_allowed")).await;
}

#[tokio::test]
async fn n6_n7_n8_what_the_issuer_did_not_sign_or_with_a_key_that_was_stolen() {
    let city = City::new();
    let session = city.enrolled(1).await;
    let code = city.code(&session, "anon").await;
    let mut bytes = bytes_of(&code);
    let place = bytes.windows(6).position(|window| window == b"r-0001").unwrap();
    bytes[place + 5] = b'2';
    city.refused("bus", &text_of(&bytes), (401, "signature_invalid")).await;
    let kid = city.inside.lock().unwrap().keys.told().unwrap().keys[0].kid.clone();
    let hex = |at: usize| u8::from_str_radix(&kid[at..at + 2], 16).unwrap();
    let id: Vec<u8> = (0..16).step_by(2).map(hex).collect();
    let mut bytes = bytes_of(&code);
    let place = bytes.windows(8).position(|window| window == id).unwrap();
    bytes[place] ^= 1;
    city.refused("bus", &text_of(&bytes), (401, "issuer_unknown")).await;
    let lost = json!({ "kid": kid });
    city.done("post", "/v1/admin/keys/compromise", &city.operator(), &lost).await;
    city.refused("bus", &code, (401, "issuer_key_revoked")).await;
}

#[tokio::test]
async fn n9_n10_a_code_before_and_after_its_time() {
    let city = City::new();
    let session = city.enrolled(1).await;
    let code = city.code(&session, "anon").await;
    city.wait(10_000);
    let early = city.code(&session, "anon").await;
    city.wait(-10_000);
    city.refused("bus", &early, (401, "token_not_yet_valid")).await;
    city.wait(65_000);
    city.refused("bus", &code, (401, "token_expired")).await;
}

#[tokio::test]
async fn n11_n13_n19_what_no_code_of_these_tests_can_be_is_told_as_the_verifier_says() {
    let city = City::new();
    for (reason, expected) in [
        (RefusalReason::ClaimMissing, (422, "claim_missing")),
        (RefusalReason::HolderProofInvalid, (401, "holder_proof_invalid")),
        (RefusalReason::GuardianshipEnded, (403, "guardianship_ended")),
    ] {
        city.inside.lock().unwrap().says = Some(Verdict::Refused(Refusal::from(reason)));
        city.refused("bus", "6BF", expected).await;
    }
}

#[tokio::test]
async fn digits_that_are_nobodys_guessed_used_or_shown_to_the_wrong_reader() {
    let city = City::new();
    let session = city.enrolled(1).await;
    let problem = city.refused("bus", "12345678", (404, "spoken_unknown")).await;
    assert_eq!(problem["stage"], "spoken");
    let digits = city.digits(&session, json!({ "profile": "name" })).await;
    city.refused("school-gate", &digits, (401, "holder_proof_missing")).await;
    let (status, answer) = city.verify("hospital", &digits).await;
    assert_eq!((status, &answer["resident"]), (200, &json!("r-0001")));
    city.refused("clinic-counter", &digits, (409, "token_replayed")).await;
    let others = city.digits(&session, json!({ "profile": "name" })).await;
    city.refused("bus", &others, (403, "scope_not_granted")).await;
    for _ in 0..5 {
        city.refused("museum", "12345678", (404, "spoken_unknown")).await;
    }
    city.refused("museum", "12345678", (429, "rate_limited")).await;
    city.wait(65_000);
    city.refused("hospital", &digits, (401, "token_expired")).await;
    city.wait(60_000);
    city.refused("hospital", &digits, (404, "spoken_unknown")).await;
}

#[tokio::test]
async fn no_digits_for_what_is_no_code_of_ones_own_nor_for_two_wishes_at_once_nor_too_often() {
    let city = City::new();
    let (session, other) = (city.enrolled(1).await, city.enrolled(2).await);
    let theirs = city.code(&other, "name").await;
    for (body, expected) in [
        (json!({}), (400, "invalid")),
        (json!({ "qr": theirs, "profile": "name" }), (400, "invalid")),
        (json!({ "qr": theirs }), (401, "holder_proof_invalid")),
        (json!({ "qr": "12345678" }), (400, "qr_not_base45")),
    ] {
        let (status, problem) = city.json("post", "/v1/spoken", &session, &body).await;
        assert_eq!((status, problem["code"].as_str().unwrap()), expected, "{problem}");
    }
    for _ in 0..5 {
        city.digits(&session, json!({ "profile": "anon" })).await;
    }
    let (status, problem) = city.json("post", "/v1/spoken", &session, &json!({ "profile": "anon" })).await;
    assert_eq!((status, &problem["code"]), (429, &json!("rate_limited")));
}

#[tokio::test]
async fn a_lost_phone_takes_its_credentials_and_every_session_from_before_along() {
    let city = City::new();
    let session = city.enrolled(1).await;
    let mut phone = city.phone(1, &session, Profile::Age).await;
    let code = answered(&mut phone, "EIDC:BUS:0011223344556677:AGE".parse().unwrap());
    let devices = city.done("get", "/v1/devices", &session, &Value::Null).await;
    let place = format!("/v1/devices/{}", devices["devices"][0].as_str().unwrap());
    city.wait(1_000);
    city.done("delete", &place, &session, &Value::Null).await;
    let body = json!({ "qr": code, "challenge": "0011223344556677" });
    let (status, problem) = city.json("post", "/v1/verify", &city.reader("bus"), &body).await;
    assert_eq!((status, &problem["code"]), (403, &json!("credential_revoked")));
    let (status, problem) = city.json("get", "/v1/devices", &session, &Value::Null).await;
    assert_eq!((status, &problem["code"]), (401, &json!("bearer_invalid")));
}

#[tokio::test]
async fn who_says_that_a_phone_is_lost_goes_on_with_a_new_session() {
    let city = City::new();
    let session = city.enrolled(1).await;
    city.phone(1, &session, Profile::Age).await;
    let devices = city.done("get", "/v1/devices", &session, &Value::Null).await;
    let place = format!("/v1/devices/{}", devices["devices"][0].as_str().unwrap());
    let answer = city.done("delete", &place, &session, &Value::Null).await;
    let devices = city.done("get", "/v1/devices", answer["session"].as_str().unwrap(), &Value::Null).await;
    assert_eq!(devices["devices"], json!([]));
}

#[tokio::test]
async fn a_phone_registers_with_a_jwk_and_not_with_what_is_none() {
    let city = City::new();
    let session = city.enrolled(1).await;
    let nonce = city.done("post", "/v1/devices/nonce", &session, &Value::Null).await["nonce"].clone();
    let nonce = serde_json::from_value(nonce).unwrap();
    let signed = PhoneKey::from_seed([9; 32]).sign_registration(ResidentId(1), nonce);
    let eid::OwnRequest::Register { key, nonce, proof, .. } = signed else { panic!("it is one") };
    let public = eid::PublicKey {
        kid: "00".repeat(8),
        alg: eid::Algorithm::Es256,
        key,
        state: eid::KeyState::Active,
        until: None,
    };
    let coordinates = public.coordinates().unwrap();
    let [x, y] = [0, 1].map(|n| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(&coordinates[n]));
    let jwk = |crv: &str, x: &str, y: &str| json!({ "kty": "EC", "crv": crv, "x": x, "y": y, "ext": true });
    for wrong in [jwk("P-384", &x, &y), jwk("P-256", &y, &x), jwk("P-256", "?", &y), json!({ "kty": "OKP" })]
    {
        let body = json!({ "key": wrong, "nonce": nonce, "proof": proof });
        let (status, problem) = city.json("post", "/v1/devices", &session, &body).await;
        assert_eq!((status, &problem["code"]), (400, &json!("invalid")), "{problem}");
    }
    let body = json!({ "key": jwk("P-256", &x, &y), "nonce": nonce, "proof": proof });
    city.done("post", "/v1/devices", &session, &body).await;
}

#[tokio::test]
async fn n12_n15_a_code_without_the_phone_or_the_challenge_that_is_wanted() {
    let city = City::new();
    let session = city.enrolled(1).await;
    let code = city.code(&session, "name").await;
    city.refused("school-gate", &code, (401, "holder_proof_missing")).await;
    let mut phone = city.phone(1, &session, Profile::Age).await;
    let challenge = "EIDC:MUSEUM:0011223344556677:AGE".parse().unwrap();
    let code = answered(&mut phone, challenge);
    city.refused("bus", &code, (403, "audience_mismatch")).await;
    city.refused("museum", &code, (403, "audience_mismatch")).await;
    let body = json!({ "qr": code, "challenge": "0011223344556677" });
    let answer = city.done("post", "/v1/verify", &city.reader("museum"), &body).await;
    assert_eq!((&answer["verdict"], &answer["holder_proof"]), (&json!("valid"), &json!(true)));
}

#[tokio::test]
async fn n14_a_code_that_was_used_is_told_when_and_the_same_request_again_is_not() {
    let city = City::new();
    let session = city.enrolled(1).await;
    let code = city.code(&session, "anon").await;
    let again = || {
        let request = Request::post("/v1/verify").header("Idempotency-Key", "scan-7");
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", city.reader("bus")));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        city.router.clone().oneshot(request.body(Body::from(json!({ "qr": code }).to_string())).unwrap())
    };
    assert_eq!(again().await.unwrap().status(), 200);
    assert_eq!(again().await.unwrap().status(), 200, "the same request, sent again");
    let problem = city.refused("bus", &code, (409, "token_replayed")).await;
    assert_eq!(problem["first_seen"], BEGIN.as_millis());
}

#[tokio::test]
async fn n16_n17_cards_that_are_revoked_suspended_or_cannot_be_told() {
    let city = City::new();
    city.enrolled(1).await;
    let card = city.card(1).await;
    city.refused("hospital", &card, (503, "status_stale")).await;
    let (_, answer) = city.verify("clinic-counter", &card).await;
    assert_eq!(answer["verdict"], "valid_unconfirmed");
    for (what, expected) in [
        (json!({ "suspend": "r-0001" }), (403, "credential_suspended")),
        (json!({ "card": 0 }), (403, "credential_revoked")),
    ] {
        city.done("post", "/v1/revocations", &city.operator(), &what).await;
        city.refused("hospital", &card, expected).await;
    }
}

#[tokio::test]
async fn n18_a_reader_that_asks_for_too_much_and_a_holder_who_tells_too_little() {
    let city = City::new();
    let session = city.enrolled(1).await;
    let code = city.code(&session, "name").await;
    city.refused("bus", &code, (403, "scope_not_granted")).await;
    let body = json!({ "qr": city.code(&session, "name").await, "profile": "full" });
    let (status, problem) = city.json("post", "/v1/verify", &city.reader("hospital"), &body).await;
    assert_eq!((status, &problem["code"]), (403, &json!("consent_denied")));
    let ask = json!({ "resident": "r-0001", "profile": "name" });
    let (status, problem) = city.json("post", "/v1/requests", &city.reader("bus"), &ask).await;
    assert_eq!((status, &problem["code"]), (403, &json!("scope_not_granted")));
}

#[tokio::test]
async fn n20_whoever_cannot_be_enrolled_and_nobody_learns_who_lives_here() {
    let city = City::new();
    let good = city.resident(1);
    let enrol = async |number: &str, name: &str| {
        let body = json!({ "resident_no": number, "name": name });
        city.json("post", "/v1/enrollments", "", &body).await
    };
    for (number, expected) in [
        ("11010519491231002X", (422, "resident_region")),
        (&*format!("{}?", &good.number.as_str()[..17]), (422, "resident_checksum")),
        ("", (422, "resident_checksum")),
        (&*with_check("37079919520230001"), (422, "resident_date")),
    ] {
        let (status, problem) = enrol(number, "王").await;
        assert_eq!((status, problem["code"].as_str().unwrap()), expected, "{number}");
    }
    let wrong_name = enrol(good.number.as_str(), "无此人").await;
    let nobody = enrol(&with_check("37079919000101001"), "无此人").await;
    assert_eq!((wrong_name.0, &wrong_name.1["code"]), (404, &json!("resident_unknown")));
    assert_eq!(wrong_name, nobody, "the same answer for both");
    let (resident, life) = (ResidentId(1), eid::LifeState::Deceased);
    city.beside_http(RequestBody::Manage(ManageRequest::SetLife { resident, life })).await;
    let (status, problem) = enrol(good.number.as_str(), &good.name_zh).await;
    assert_eq!((status, &problem["code"]), (403, &json!("resident_inactive")));
}

/// A number with its check character (GB 11643).
fn with_check(digits: &str) -> String {
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    format!("{digits}{}", char::from(b"10X98765432"[(sum % 11) as usize]))
}

#[tokio::test]
async fn n21_whoever_fails_too_often_is_told_when_to_try_again() {
    let city = City::new();
    for _ in 0..120 {
        city.refused("bus", "?", (400, "qr_not_base45")).await;
    }
    city.wait(20_000);
    let body = json!({ "qr": "?" });
    let (status, headers, _) = city.ask("post", "/v1/verify", &city.reader("bus"), &body).await;
    assert_eq!(status, 429);
    let retry: u32 = headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((40..=60).contains(&retry), "{retry}");
    let number = city.resident(1).number;
    let body = json!({ "resident_no": number.as_str(), "name": "无此人" });
    for _ in 0..5 {
        city.json("post", "/v1/enrollments", "", &body).await;
    }
    let (status, headers, _) = city.ask("post", "/v1/enrollments", "", &body).await;
    assert_eq!((status, headers[header::RETRY_AFTER].to_str().unwrap()), (429, "60"));
}

#[tokio::test]
async fn a_reader_whom_the_city_does_not_know_is_not_listed_however_often_it_says_how_it_stands() {
    let city = City::new();
    for reader in ["kiosk", "nobody", "bus"] {
        city.kiosks.take(city.cast.readers(), reader.parse().unwrap(), &KioskState::Offline);
    }
    let told = city.done("get", "/v1/admin/readers", &city.operator(), &Value::Null).await;
    let said: Vec<&Value> =
        told["readers"].as_array().unwrap().iter().filter(|reader| !reader["kiosk"].is_null()).collect();
    assert_eq!((said.len(), &said[0]["reader"]), (1, &json!("bus")));
    assert_eq!(said[0]["kiosk"], json!({ "state": "offline" }));
}

#[tokio::test]
async fn nobody_does_what_is_anothers() {
    let city = City::new();
    let (mine, other) = (city.enrolled(1).await, city.enrolled(2).await);
    let (ended, _) = session(&city.secret, BEGIN.plus_millis(-24 * types::HOUR_MS), ResidentId(1));
    let bent = mine.replacen("r-0001", "r-0002", 1);
    let later = mine.replacen(".177", ".178", 1);
    assert_ne!(later, mine);
    for (method, place, bearer, code) in [
        ("get", "/v1/me/history", "", "bearer_missing"),
        ("get", "/v1/me/history", &*bent, "bearer_invalid"),
        ("get", "/v1/me/history", &*later, "bearer_invalid"),
        ("get", "/v1/me/history", &*ended, "bearer_invalid"),
        ("get", "/v1/me/history", &*city.reader("bus"), "bearer_invalid"),
        ("get", "/v1/me/history", &*city.operator(), "bearer_invalid"),
        ("get", "/v1/admin/readers", &*mine, "bearer_invalid"),
        ("get", "/v1/admin/readers", &*city.reader("payment"), "bearer_invalid"),
        ("get", "/v1/requests/0011223344556677", &*mine, "bearer_invalid"),
        // A name that no reader of this city has, although the token is made as theirs are.
        ("get", "/v1/requests/0011223344556677", &*city.reader("kiosk"), "bearer_invalid"),
    ] {
        let (status, problem) = city.json(method, place, bearer, &Value::Null).await;
        assert_eq!((status, problem["code"].as_str().unwrap()), (401, code), "{place} {bearer}");
    }
    let ask = json!({ "resident": "r-0001", "profile": "name" });
    let asked = city.done("post", "/v1/requests", &city.reader("hospital"), &ask).await;
    let place = format!("/v1/requests/{}", asked["request"].as_str().unwrap());
    for (method, place, bearer) in [
        ("post", format!("{place}/deny"), other.clone()),
        ("get", place.clone(), city.reader("clinic-counter")),
    ] {
        let (status, problem) = city.json(method, &place, &bearer, &Value::Null).await;
        assert_eq!((status, &problem["code"]), (404, &json!("request_unknown")), "{place}");
    }
    let grant = json!({ "guardian": "r-0002", "ward": "r-0001", "days": 9 });
    let (status, problem) = city.json("post", "/v1/grants", &other, &grant).await;
    assert_eq!((status, &problem["code"]), (403, &json!("not_enrolled")));
    let history = city.done("get", "/v1/me/history", &other, &Value::Null).await;
    assert_eq!(history["showings"], json!([]));
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused_with_their_place() {
    let city = City::new();
    let session = city.enrolled(1).await;
    let codes: Vec<Value> = (0..257).map(|_| json!({ "qr": "?" })).collect();
    let reader = city.reader("bus");
    for (method, place, bearer, body, status) in [
        ("post", "/v1/verify/batch", &reader, json!({ "codes": [] }), 400),
        ("post", "/v1/verify/batch", &reader, json!({ "codes": codes }), 400),
        ("post", "/v1/verify", &reader, json!({ "qr": "?", "verifier": "museum" }), 400),
        ("get", "/v1/token?profile=all", &session, Value::Null, 400),
        ("get", "/v1/requests/seven", &reader, Value::Null, 400),
        ("get", "/v1/status/seven", &session, Value::Null, 400),
        ("get", "/v1/status/1", &session, Value::Null, 404),
        ("delete", "/v1/devices/0011223344556677", &session, Value::Null, 404),
        ("delete", "/v1/grants/r-0001/r-0002", &session, Value::Null, 404),
        ("post", "/v1/grants", &session, json!({ "guardian": "r-0001", "days": 9 }), 422),
        (
            "post",
            "/v1/devices",
            &session,
            json!({ "key": "", "nonce": "0011223344556677", "proof": "" }),
            401,
        ),
    ] {
        let (got, problem) = city.json(method, place, bearer, &body).await;
        assert_eq!(got, status, "{place}: {problem}");
    }
}
