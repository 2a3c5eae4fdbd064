//! The cable between the console and the broker is cut for a moment.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use eid::{Demand, VerifyRequest};
use serde_json::json;
use wire::{ReplyBody, RequestBody, RoleName};

use super::desk::{Desk, check_genuine};
use super::report::{End, Report};
use crate::http::Problem;

/// For how long.
const CUT: Duration = Duration::from_secs(2);
/// How long what was asked meanwhile may take: a client that was cut off comes back after ten seconds at the latest.
const ANSWERED_WITHIN: Duration = Duration::from_secs(25);

/// A code is to be verified while the console has no bus: the question waits, and is answered once.
pub(super) async fn cut_cable(mut desk: Desk<'_>) -> Result<Report, Problem> {
    let broker = desk.app.broker.clone().ok_or_else(|| {
        let detail = "the broker is not in this process, so its cables are not ours to cut: start the city without --broker";
        Problem::new(StatusCode::CONFLICT, "broker_elsewhere", detail)
    })?;
    let victim = desk.victim();
    let code = desk.code_of(victim).await?;
    let console = RoleName::Console.client_id();
    if !broker.cuts.cut(&console, CUT).await {
        return Err(Problem::silent("broker"));
    }
    desk.did("cable_cut", json!({ "client": console, "ms": CUT.as_millis() as u64 }));
    let began = Instant::now();
    let request = VerifyRequest {
        code: code.clone(),
        verifier: "attack-desk".parse().expect("a slug"),
        reference: String::new(),
        demand: Demand::default(),
    };
    desk.did("asked_meanwhile", json!({ "resident": victim }));
    let answer = desk.app.caller.follow(RequestBody::Verify(request), ANSWERED_WITHIN, |_| true).await;
    let Some(ReplyBody::Verify(verdict)) = answer else { return Err(Problem::silent("e-ID verifier")) };
    let waited_ms = began.elapsed().as_millis() as u64;
    check_genuine(&verdict)?;
    desk.did("answered_once", json!({ "ms": waited_ms }));
    let again = End::from(desk.show(code).await?);
    desk.did("not_twice", json!({ "code": again.code() }));
    desk.left("connected_again", json!({ "client": console }));
    Ok(desk.report(End::outlived("broker", "nothing_lost", json!({ "ms": waited_ms }))))
}
