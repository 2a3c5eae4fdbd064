//! The phone: readers that ask its owner from afar, and what the owner answers.

use std::convert::Infallible;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use eid::{ConsentRequest, HolderReply, HolderRequest, Nonce, QrText};
use futures_util::stream::{self, Stream, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use types::ResidentId;
use wire::{ReplyBody, RequestBody};

use super::super::{App, events};
use super::known;
use crate::http::{IdempotencyKey, JsonBody, Place, Problem};
use crate::identity;
use crate::time::wall_now;

/// `GET /api/phone/{resident}/events`: an event `requests` with everybody who waits for an answer, now and whenever one more
/// reader asks.
pub(crate) async fn told(
    State(app): State<App>,
    Path(resident): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let resident = known(&app, &resident)?.id;
    let place = events::place(&app)?;
    // Listening begins before the first question, so that nobody who asks meanwhile is missed.
    let asked = app.consents.subscribe();
    let first = stream::iter([waiting(&app, resident).await?]);
    // The place is given back when the phone is gone, and this with it.
    let rest = stream::unfold((asked, app, place), move |(mut asked, app, place)| async move {
        loop {
            one_more(&mut asked, resident).await?;
            // A verifier that is silent now is asked again when the next reader asks, or the phone comes back.
            if let Ok(waiting) = waiting(&app, resident).await {
                return Some((waiting, (asked, app, place)));
            }
        }
    });
    let events = first.chain(rest).map(|told| Ok(Event::default().event("requests").data(told.to_string())));
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// Waits until this resident is asked; nothing if nobody will be any more.
async fn one_more(asked: &mut Receiver<ConsentRequest>, resident: ResidentId) -> Option<()> {
    loop {
        match asked.recv().await {
            Ok(request) if request.resident != resident => {}
            // Of those that were missed, one may have been for this resident.
            Ok(_) | Err(RecvError::Lagged(_)) => return Some(()),
            Err(RecvError::Closed) => return None,
        }
    }
}

/// Who waits for an answer of this resident, with the names that people know them by.
async fn waiting(app: &App, resident: ResidentId) -> Result<Value, Problem> {
    let question = RequestBody::Holder(HolderRequest::Pending { resident });
    let Some(ReplyBody::Holder(HolderReply::Pending(requests))) = app.caller.ask(question).await else {
        return Err(Problem::silent("e-ID verifier"));
    };
    let described = requests.into_iter().map(|asked| {
        let reader = app.cast.readers().named(asked.verifier);
        json!({
            "request": asked.request, "verifier": asked.verifier, "profile": asked.profile,
            "name_en": reader.map(|reader| &reader.name_en), "name_zh": reader.map(|reader| &reader.name_zh),
            "asked_ms": asked.asked, "expires_ms": asked.expires,
        })
    });
    Ok(json!({ "requests": described.collect::<Vec<_>>(), "server_ms": wall_now() }))
}

/// What the owner answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// A code of the phone with the request as its challenge; without it, the owner does not agree.
    #[serde(default)]
    code: Option<QrText>,
}

/// `POST /api/phone/{resident}/requests/{request}`
pub(crate) async fn answer(
    State(app): State<App>,
    key: IdempotencyKey,
    Place((resident, request)): Place<(String, Nonce)>,
    JsonBody(Answer { code }): JsonBody<Answer>,
) -> Result<Json<Value>, Problem> {
    let resident = known(&app, &resident)?.id;
    identity::answer(&app.identity, &key, HolderRequest::Answer { resident, request, code }).await
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, BodyDataStream, to_bytes};
    use axum::http::Request;
    use eid::{AskRequest, Profile};
    use tokio::sync::mpsc;
    use tower::ServiceExt;
    use types::Core;
    use wire::{BusInput, Message};

    use super::super::super::http::{Reach, routes};
    use super::super::super::lan::tests::asking;
    use super::*;
    use crate::caller::Caller;

    /// The bus: carries questions to a verifier, and what it says back.
    async fn carry(app: App, mut questions: mpsc::Receiver<Message>) {
        let mut verifier = app.cast.verifier();
        while let Some(question) = questions.recv().await {
            let mut said = Vec::new();
            verifier.handle(wall_now(), BusInput::Message(question), &mut said);
            for message in said {
                match message {
                    Message::Reply(reply) => drop(app.caller.answer(&reply)),
                    Message::EidConsent(asked) => drop(app.consents.send(asked)),
                    _ => {}
                }
            }
        }
    }

    fn city() -> App {
        let (caller, questions) = Caller::new("svc-console");
        let app = asking(caller);
        tokio::spawn(carry(app.clone(), questions));
        app
    }

    async fn ask(app: &App, resident: u32) {
        let (verifier, resident) = ("hospital".parse().unwrap(), ResidentId(resident));
        let request = AskRequest::Ask { verifier, resident, profile: Profile::Name };
        assert!(app.caller.ask(RequestBody::Ask(request)).await.is_some());
    }

    async fn get(router: &Router, place: &str) -> axum::response::Response {
        router.clone().oneshot(Request::get(place).body(Body::empty()).unwrap()).await.unwrap()
    }

    /// The requests of the next event.
    async fn next(events: &mut BodyDataStream) -> Vec<Value> {
        let event = events.next().await.unwrap().unwrap();
        let text = std::str::from_utf8(&event).unwrap();
        let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        assert!(text.contains("event: requests"), "{text}");
        let mut told: Value = serde_json::from_str(data).unwrap();
        serde_json::from_value(told["requests"].take()).unwrap()
    }

    #[tokio::test]
    async fn a_phone_of_nobody_is_told_nothing_and_neither_is_one_too_many() {
        let app = city();
        let router = routes(Reach::Network).with_state(app.clone());
        assert_eq!(get(&router, "/api/phone/r-9999/events").await.status(), 404);
        let _all = app.listeners.clone().try_acquire_many_owned(events::LISTENERS_MAX as u32).unwrap();
        assert_eq!(get(&router, "/api/phone/r-0001/events").await.status(), 503);
    }

    #[tokio::test]
    async fn a_phone_is_told_who_waits_now_and_who_asks_later_but_not_what_others_are_asked() {
        let app = city();
        let router = routes(Reach::Network).with_state(app.clone());
        ask(&app, 1).await;
        let mut events = get(&router, "/api/phone/r-0001/events").await.into_body().into_data_stream();
        assert_eq!(next(&mut events).await.len(), 1);
        ask(&app, 2).await;
        ask(&app, 1).await;
        let told = next(&mut events).await;
        assert_eq!(told.len(), 2, "what r-0002 is asked was no event");
        assert_eq!((&told[1]["verifier"], &told[1]["name_zh"]), (&json!("hospital"), &json!("医院挂号处")));
        assert_eq!(told[1]["profile"], json!("name"));
    }

    #[tokio::test]
    async fn the_owners_no_ends_a_request_and_a_wrong_code_does_not() {
        let app = city();
        let router = routes(Reach::Network).with_state(app.clone());
        ask(&app, 1).await;
        let mut events = get(&router, "/api/phone/r-0001/events").await.into_body().into_data_stream();
        let request = next(&mut events).await[0]["request"].as_str().unwrap().to_owned();
        for (key, body, expected) in [
            ("1", json!({ "code": "12345678" }), (404, json!("spoken_unknown"), Value::Null)),
            ("2", json!({}), (200, Value::Null, json!("denied"))),
        ] {
            let asked = Request::post(format!("/api/phone/r-0001/requests/{request}"));
            let asked = asked.header("Idempotency-Key", key).header("Content-Type", "application/json");
            let response =
                router.clone().oneshot(asked.body(Body::from(body.to_string())).unwrap()).await.unwrap();
            let status = response.status().as_u16();
            let answer = to_bytes(response.into_body(), 10_000).await.unwrap();
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            assert_eq!((status, answer["code"].clone(), answer["answer"].clone()), expected, "{answer}");
        }
        let mut events = get(&router, "/api/phone/r-0001/events").await.into_body().into_data_stream();
        assert_eq!(next(&mut events).await.len(), 0);
    }
}
