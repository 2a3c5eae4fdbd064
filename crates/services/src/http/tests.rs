use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::ServiceExt;

use super::*;

/// What holds a request up on its way.
#[derive(Debug, Default)]
struct Gate {
    reached: Notify,
    open: Notify,
}

/// One place, where a number is said again once the gate is open.
fn router(gate: Arc<Gate>) -> Router {
    let say = async move |JsonBody(number): JsonBody<u32>| {
        gate.reached.notify_one();
        gate.open.notified().await;
        number.to_string()
    };
    interface(Router::new().route("/say", post(say))).fallback(no_such_place)
}

fn say(key: Option<&str>, body: &'static str) -> Request<Body> {
    let request = Request::post("/say").header(header::CONTENT_TYPE, "application/json");
    let request = key.into_iter().fold(request, |request, key| request.header("Idempotency-Key", key));
    request.header("X-Request-Id", "mine").body(Body::from(body)).unwrap()
}

async fn problem(response: Response<Body>) -> (StatusCode, Value) {
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    let status = response.status();
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["status"], status.as_u16());
    (status, body["code"].clone())
}

#[tokio::test]
async fn requests_without_a_good_key_body_method_or_place_are_refused_as_problems() {
    let router = router(Arc::default());
    let long = "x".repeat(65);
    let get = Request::get("/say").body(Body::empty()).unwrap();
    let nowhere = Request::get("/nowhere").body(Body::empty()).unwrap();
    let mut plain = say(Some("a"), "7");
    plain.headers_mut().remove(header::CONTENT_TYPE);
    let mut huge = say(Some("b"), "");
    *huge.body_mut() = Body::from(vec![b' '; 1024 * 1024]);
    for (request, status, code) in [
        (say(None, "7"), 400, "idempotency_key_missing"),
        (say(Some(""), "7"), 400, "idempotency_key_invalid"),
        (say(Some(&long), "7"), 400, "idempotency_key_invalid"),
        (say(Some("with blank"), "7"), 400, "idempotency_key_invalid"),
        (say(Some("c"), "seven"), 400, "invalid"),
        (plain, 415, "not_json"),
        (huge, 413, "body_too_long"),
        (get, 405, "method_not_allowed"),
        (nowhere, 404, "not_found"),
    ] {
        let told = problem(router.clone().oneshot(request).await.unwrap()).await;
        assert_eq!(told, (StatusCode::from_u16(status).unwrap(), json!(code)));
    }
}

#[tokio::test]
async fn a_request_is_held_to_its_key_while_it_is_worked_on_and_afterwards() {
    let gate = Arc::new(Gate::default());
    let router = router(gate.clone());
    let first = tokio::spawn(router.clone().oneshot(say(Some("k"), "7")));
    gate.reached.notified().await;
    let again = router.clone().oneshot(say(Some("k"), "7")).await.unwrap();
    assert_eq!(again.headers()[header::RETRY_AFTER], "1");
    assert_eq!(problem(again).await, (StatusCode::CONFLICT, json!("idempotency_in_progress")));
    gate.open.notify_one();
    let done = first.await.unwrap().unwrap();
    assert_eq!((done.status(), &done.headers()[REQUEST_ID]), (StatusCode::OK, &"mine".parse().unwrap()));
    let other = problem(router.clone().oneshot(say(Some("k"), "8")).await.unwrap()).await;
    assert_eq!(other, (StatusCode::UNPROCESSABLE_ENTITY, json!("idempotency_key_reused")));
    gate.open.notify_one();
    assert_eq!(router.oneshot(say(Some("\"k\""), "7")).await.unwrap().status(), StatusCode::OK);
}
