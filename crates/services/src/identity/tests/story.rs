//! The examples of the document, told as one story. What is made anew each time – codes, proofs, ids – is put in its
//! place; then each answer has the shape and the words of its example.

use eid::{Challenge, Nonce, OwnRequest, Profile};

use super::super::table::OPERATIONS;
use super::*;
use crate::http::openapi::Operation;

/// What has been told so far, for the requests that need it.
struct Told {
    session: String,
    phone: Phone,
    code: String,
    nonce: Nonce,
    device: String,
    request: Nonce,
    kid: String,
}

impl City {
    async fn begin(&self) -> Told {
        let session = self.enrolled(1).await;
        self.enrolled(2).await;
        let (software, issued) = ("gate 2.1".to_owned().try_into().unwrap(), Some(BEGIN));
        let online =
            KioskState::Online { software, keys_issued: issued, status_issued: issued, queued: Some(0) };
        self.kiosks.take(self.cast.readers(), "bus".parse().unwrap(), &online);
        let phone = self.phone(1, &session, Profile::Name).await;
        let code = self.code(&session, "name").await;
        let key = PhoneKey::from_seed([9; 32]).public();
        assert_eq!(key.len(), 66);
        let kid = self.inside.lock().unwrap().keys.told().unwrap().keys[0].kid.clone();
        let (nonce, request) = (Nonce([0; 8]), Nonce([0; 8]));
        Told { session, phone, code, nonce, device: String::new(), request, kid }
    }

    fn bearer(&self, told: &Told, row: &Operation<Identity>) -> String {
        match row.asker {
            "holder" => told.session.clone(),
            "reader" => self.reader("hospital"),
            "operator" => self.operator(),
            _ => String::new(),
        }
    }

    /// The request of an example, with what is made anew.
    fn request(&self, told: &mut Told, row: &Operation<Identity>) -> (String, Value) {
        let mut body: Value = serde_json::from_str(row.request).unwrap_or_default();
        let hex = |nonce: Nonce| serde_json::to_value(nonce).unwrap().as_str().unwrap().to_owned();
        let place = match row.name {
            "approveRequest" | "denyRequest" | "requestState" => {
                row.path.replace("{request}", &hex(told.request))
            }
            "forgetDevice" => row.path.replace("{device}", &told.device),
            _ => row.example.to_owned(),
        };
        match row.name {
            "enrol" => {
                let Resident { number, name_zh, .. } = self.resident(1);
                body = json!({ "resident_no": number.as_str(), "name": name_zh });
            }
            "registerDevice" => {
                let signed = PhoneKey::from_seed([9; 32]).sign_registration(ResidentId(1), told.nonce);
                let OwnRequest::Register { key, nonce, proof, .. } = signed else { panic!("it is one") };
                body = json!({ "key": key, "nonce": nonce, "proof": proof });
            }
            "credentials" => {
                let mut phone =
                    Phone::new(ResidentId(1), PhoneKey::from_seed([9; 32]), Seed(1).stream("nonces", 1));
                let mut out = Vec::new();
                phone.handle(BEGIN, phone::Input::Show { profile: Profile::Name, ward: None }, &mut out);
                let Some(phone::Output::Request(asked)) = out.pop() else { panic!("it asks") };
                body = serde_json::to_value(asked).unwrap();
                body.as_object_mut().unwrap().remove("resident");
            }
            "verify" => body["qr"] = json!(told.code),
            "verifyBatch" => body["codes"][0]["qr"] = json!(told.code),
            "approveRequest" => {
                let verifier = "hospital".parse().unwrap();
                let challenge = Challenge { verifier, nonce: told.request, profile: Profile::Name };
                body["qr"] = json!(answered(&mut told.phone, challenge));
            }
            "compromiseKey" => body["kid"] = json!(told.kid),
            _ => {}
        }
        (place, body)
    }

    /// What happens beside the examples.
    async fn beside(&self, told: &mut Told, row: &Operation<Identity>) {
        match row.name {
            "status" => {
                let card = RequestBody::Manage(eid::ManageRequest::PrintCard {
                    resident: ResidentId(1),
                    profile: Profile::Name,
                    days: 9,
                });
                self.beside_http(card).await;
                let place = "/v1/revocations";
                self.done("post", place, &self.operator(), &json!({ "card": 0 })).await;
            }
            "denyRequest" => {
                let body = json!({ "resident": "r-0001", "profile": "full" });
                let asked = self.done("post", "/v1/requests", &self.reader("hospital"), &body).await;
                told.request = serde_json::from_value(asked["request"].clone()).unwrap();
            }
            "rotateKeys" => self.wait(2 * types::DAY_MS),
            _ => {}
        }
    }

    /// What the operator asks on the bus; the answer.
    pub(super) async fn beside_http(&self, body: RequestBody) -> ReplyBody {
        let (caller, mut questions) = Caller::new("operator");
        let asking = caller.ask(body);
        let answering = async {
            let question = questions.recv().await.unwrap();
            self.inside.lock().unwrap().tell_issuer(BusInput::Message(question), &caller);
        };
        tokio::join!(asking, answering).0.expect("an answer")
    }
}

fn remember(told: &mut Told, row: &Operation<Identity>, answer: &Value) {
    match row.name {
        "deviceNonce" => told.nonce = serde_json::from_value(answer["nonce"].clone()).unwrap(),
        "registerDevice" => told.device = answer["device_id"].as_str().unwrap().to_owned(),
        "askHolder" => told.request = serde_json::from_value(answer["request"].clone()).unwrap(),
        _ => {}
    }
}

/// The words that every answer has in common with its example; all others need only be of the same kind.
const WORDS: [&str; 10] = [
    "verdict",
    "state",
    "answer",
    "code",
    "reference",
    "resident_ref",
    "verifier",
    "profile",
    "done",
    "holder_proof",
];

/// Whether an answer is like its example.
fn is_like(answer: &Value, example: &Value, is_word: bool) -> bool {
    match (answer, example) {
        (Value::Object(answer), Value::Object(example)) => {
            answer.keys().eq(example.keys())
                && answer.iter().all(|(name, value)| is_like(value, &example[name], WORDS.contains(&&**name)))
        }
        (Value::Array(answer), Value::Array(example)) => {
            answer.is_empty() == example.is_empty()
                && answer.iter().all(|one| example.iter().any(|like| is_like(one, like, is_word)))
        }
        (Value::String(answer), Value::String(example)) => !is_word || answer == example,
        (answer, example) => {
            std::mem::discriminant(answer) == std::mem::discriminant(example)
                && (!is_word || answer == example)
        }
    }
}

#[tokio::test]
async fn every_example_of_the_document_is_answered_like_it_says() {
    let city = City::new();
    let mut told = city.begin().await;
    for row in OPERATIONS {
        city.beside(&mut told, row).await;
        let (place, body) = city.request(&mut told, row);
        let (status, headers, answer) = city.ask(row.method, &place, &city.bearer(&told, row), &body).await;
        assert_eq!(status, 200, "{}: {}", row.name, String::from_utf8_lossy(&answer));
        assert!(headers[header::CONTENT_TYPE].to_str().unwrap().starts_with(row.media), "{}", row.name);
        assert!(!answer.is_empty(), "{}", row.name);
        if row.media == "application/json" {
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            let example: Value = serde_json::from_str(row.answer).unwrap();
            assert!(is_like(&answer, &example, false), "{}: {answer}", row.name);
            remember(&mut told, row, &answer);
        }
    }
    let pushed = &city.inside.lock().unwrap().pushed;
    assert_eq!(pushed.len(), 2, "each request went to the phone");
}

#[tokio::test]
async fn a_code_is_drawn_for_a_terminal_when_plain_text_is_wanted() {
    let city = City::new();
    let session = city.enrolled(1).await;
    let request = Request::get("/v1/token").header(header::ACCEPT, "text/plain");
    let request = request.header(header::AUTHORIZATION, format!("Bearer {session}"));
    let response = city.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let drawn = to_bytes(response.into_body(), 100_000).await.unwrap();
    assert!(std::str::from_utf8(&drawn).unwrap().starts_with('█'));
}

#[tokio::test]
async fn a_picture_of_a_code_is_read_back_and_accepted() {
    let city = City::new();
    let session = city.enrolled(1).await;
    let (_, _, png) = city.ask("get", "/v1/token.png?profile=anon", &session, &Value::Null).await;
    let picture = image::load_from_memory(&png).unwrap().into_luma8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let luma = |x: usize, y: usize| picture.get_pixel(x as u32, y as u32).0[0];
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, luma);
    let (_, code) = prepared.detect_grids()[0].decode().unwrap();
    let (status, answer) = city.verify("bus", &code).await;
    assert_eq!((status, &answer["disclosed"], &answer["resident"]), (200, &json!({}), &Value::Null));
}

#[tokio::test]
async fn two_readers_cannot_tell_that_they_saw_the_same_holder() {
    let city = City::new();
    let session = city.enrolled(1).await;
    let mut told = Vec::new();
    for reader in ["bus", "clinic-counter", "bus"] {
        let profile = if reader == "bus" { "anon" } else { "name" };
        let (_, answer) = city.verify(reader, &city.code(&session, profile).await).await;
        told.push(answer["pseudonym"].clone());
        city.wait(1_000);
    }
    assert_eq!(told[0], told[2]);
    assert_ne!(told[0], told[1]);
}

#[tokio::test]
async fn keys_of_the_interface_verify_what_the_issuer_signs() {
    let city = City::new();
    let jwks = city.done("get", "/.well-known/jwks.json", "", &Value::Null).await;
    let set = city.inside.lock().unwrap().keys.told().unwrap();
    let x = base64::Engine::decode(
        &base64::prelude::BASE64_URL_SAFE_NO_PAD,
        jwks["keys"][0]["x"].as_str().unwrap(),
    );
    let hex: String = x.unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((hex, &jwks["keys"][0]["kid"]), (set.keys[0].key.clone(), &json!(set.keys[0].kid)));
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 1, "the next one signs nothing yet");
}

#[test]
fn the_document_has_every_row_and_says_whose_token_it_wants() {
    let document = crate::console::openapi();
    for row in OPERATIONS {
        let operation = &document["paths"][row.path][row.method];
        assert_eq!(operation["operationId"], row.name);
        let named = operation["parameters"].as_array().unwrap().iter().filter(|one| one["in"] == "path");
        assert_eq!(named.count(), row.path.matches('{').count(), "{}", row.name);
        assert_eq!(operation["security"].is_array(), !row.asker.is_empty(), "{}", row.name);
    }
    let problem = document["components"]["responses"]["Problem"]["description"].as_str().unwrap();
    for code in ["409 `token_replayed`", "422 `resident_checksum`", "409 `day_closed`"] {
        assert!(problem.contains(code), "{problem}");
    }
}
