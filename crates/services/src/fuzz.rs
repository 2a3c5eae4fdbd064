//! What must hold for anything that comes over HTTP, one function for each kind.
//!
//! `fuzz/` drives them with coverage; the tests below with the kept corpus, and with what chance makes of it.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use eid::Readers;
use image::GrayImage;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tower::ServiceExt;
use types::{ResidentId, RunId, Timestamp};
use wire::{Delivery, Message, decode, encode};

use crate::access::Secret;
use crate::caller::Caller;
use crate::console::kiosk::picture::{PICTURE_SIDE_MAX, decode as decode_picture, find};
use crate::identity::bearer::{reader_token, session};
use crate::identity::{self, Identity, KioskStates, PublishedKeys};
use crate::payment;

/// 2026-04-18, 19:00 in the city.
const NOW: Timestamp = Timestamp::from_millis(1_776_510_000_000);
/// The widest symbol that is made of bytes \[pixels\].
const SYMBOL_SIDE_MAX: usize = 256;

/// A picture is no larger than is allowed, and looked through for a code.
pub fn picture(data: &[u8]) {
    if let Ok(picture) = decode_picture(data) {
        assert!(picture.width().max(picture.height()) <= PICTURE_SIDE_MAX);
        let _ = find(&picture);
    }
}

/// Pixels, whatever they show, are looked through for a code: the first byte is the width, each other one a grey.
pub fn symbol(data: &[u8]) {
    let Some((&width, greys)) = data.split_first() else { return };
    let width = usize::from(width).max(1);
    let height = (greys.len() / width).min(SYMBOL_SIDE_MAX);
    let pixels = greys[..width * height].to_vec();
    if let Some(picture) = GrayImage::from_raw(width as u32, height as u32, pixels).filter(|_| height > 0) {
        let _ = find(&picture);
    }
}

/// A provider's own book, as a table.
pub fn book(data: &[u8]) {
    for between in [b',', b'\t'] {
        let _ = payment::rows(data, between);
    }
}

/// A request for medical payment: its first line is method and place, the rest its body.
pub fn payment(data: &[u8]) {
    asks_payer(data);
}

fn asks_payer(data: &[u8]) -> bool {
    let (caller, questions) = Caller::new("svc-console");
    ask(payment::router(caller), questions, data, |_| None)
}

/// A request for e-ID: its first line is method, place and whose token it has, the rest its body.
pub fn identity(data: &[u8]) {
    asks_about_identity(data);
}

fn asks_about_identity(data: &[u8]) -> bool {
    let (caller, questions) = Caller::new("svc-console");
    let secret = Secret::from_words("kite");
    let (readers, keys) = (Arc::new(Readers::presets()), PublishedKeys::default());
    let names = eid::PseudonymKey::of_issuer([0; 32]);
    let (kiosks, now) = (KioskStates::default(), || NOW);
    let identity = Identity { caller, secret: secret.clone(), readers, kiosks, keys, names, now };
    ask(identity::router(identity), questions, data, |whose| match whose {
        "holder" => Some(session(&secret, NOW, ResidentId(1)).0),
        "reader" => Some(reader_token(&secret, "hospital".parse().ok()?)),
        "operator" => Some(secret.password_for("operator")),
        _ => None,
    })
}

/// A request is refused as a problem, or what it asks a service for gets over the bus; whether it asks.
fn ask(
    router: Router,
    mut questions: mpsc::Receiver<Message>,
    data: &[u8],
    bearer: impl Fn(&str) -> Option<String>,
) -> bool {
    let Some(request) = request(data, bearer) else { return false };
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        tokio::select! {
            biased;
            response = router.oneshot(request) => {
                refused(response.expect("a router answers")).await;
                false
            }
            Some(question) = questions.recv() => {
                travels(&question);
                true
            }
        }
    })
}

fn request(data: &[u8], bearer: impl Fn(&str) -> Option<String>) -> Option<Request<Body>> {
    let end = data.iter().position(|&byte| byte == b'\n')?;
    let mut words = std::str::from_utf8(&data[..end]).ok()?.split(' ');
    let request = Request::builder().method(words.next()?.to_uppercase().as_str()).uri(words.next()?);
    let request = request.header(header::CONTENT_TYPE, "application/json").header("Idempotency-Key", "k-1");
    let request = match words.next().and_then(bearer) {
        Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
        None => request,
    };
    request.body(Body::from(data[end + 1..].to_vec())).ok()
}

/// No fault of ours, and a problem that programs can read.
async fn refused(response: Response) {
    let status = response.status();
    assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR);
    // The city's own answer to that stands outside of the interface.
    if status == StatusCode::NOT_FOUND || !status.is_client_error() {
        return;
    }
    let kind = response.headers().get(header::CONTENT_TYPE).cloned();
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    assert_eq!(kind.as_ref().map(|kind| kind.as_bytes()), Some(&b"application/problem+json"[..]), "{status}");
    serde_json::from_slice::<serde_json::Value>(&body).expect("JSON");
}

fn travels(question: &Message) {
    let run: RunId = "demo".parse().expect("a name");
    let frame = encode(run, question);
    let delivery = Delivery {
        topic: &frame.topic,
        payload: &frame.payload,
        response_topic: frame.response_topic.as_deref(),
        correlation: frame.correlation.as_deref(),
    };
    assert_eq!(decode(run, delivery).as_ref(), Ok(question));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_request_gets_as_far_as_the_bus() {
        assert!(!asks_payer(b"post /v1/eligibility\n{\"beneficiary\":1}"));
        assert!(asks_payer(b"post /v1/eligibility\n{\"beneficiary\":\"r-0001\"}"));
        assert!(!asks_about_identity(b"post /v1/verify\n{\"qr\":\"HC1:\"}"));
        assert!(asks_about_identity(b"post /v1/verify reader\n{\"qr\":\"HC1:\"}"));
    }

    #[test]
    fn requests_are_refused_as_problems_or_asked_over_the_bus() {
        smoke::run("payment", 250, payment);
        smoke::run("identity", 250, identity);
        smoke::run("book", 3_000, book);
    }

    #[test]
    fn pictures_are_looked_through_whatever_they_show() {
        smoke::run("picture", 80, picture);
        smoke::run("symbol", 80, symbol);
    }
}
