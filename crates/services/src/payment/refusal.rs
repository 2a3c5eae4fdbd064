//! Why the payer did not do it, in HTTP's words. The only place where that is said.

use axum::http::StatusCode;
use medpay::PayRefusal;
use serde_json::Value;
use types::{BillId, Fen, TerminalId};
use uuid::Uuid;

use crate::http::Problem;
use crate::http::openapi::Refusal;

/// After how long it is worth asking again \[s\].
const RETRY_AFTER_S: u32 = 1;

/// The status of a refusal.
fn status(refusal: &PayRefusal) -> StatusCode {
    match refusal {
        PayRefusal::AmountInvalid { .. }
        | PayRefusal::IdempotencyKeyMissing
        | PayRefusal::OfflineMacInvalid { .. } => StatusCode::BAD_REQUEST,
        PayRefusal::EidTokenExpired | PayRefusal::EidTokenReplayed | PayRefusal::EidRefused { .. } => {
            StatusCode::UNAUTHORIZED
        }
        PayRefusal::AccountInsufficient { .. } => StatusCode::PAYMENT_REQUIRED,
        PayRefusal::PayerNotAuthorized
        | PayRefusal::LimitDailyExceeded { .. }
        | PayRefusal::LimitHourlyExceeded { .. }
        | PayRefusal::OfflineLimitExceeded { .. } => StatusCode::FORBIDDEN,
        PayRefusal::BillUnknown
        | PayRefusal::StayUnknown
        | PayRefusal::SettlementUnknown
        | PayRefusal::TerminalUnknown { .. } => StatusCode::NOT_FOUND,
        PayRefusal::PresettlementStale { .. }
        | PayRefusal::BillConflict
        | PayRefusal::AlreadyAdmitted { .. }
        | PayRefusal::BillAlreadySettled { .. }
        | PayRefusal::AlreadyReversed { .. }
        | PayRefusal::SettlementInProgress
        | PayRefusal::NotOwed
        | PayRefusal::OfflineSequenceGap { .. }
        | PayRefusal::DayClosed => StatusCode::CONFLICT,
        PayRefusal::PresettlementExpired => StatusCode::GONE,
        PayRefusal::BillTotalMismatch { .. }
        | PayRefusal::ItemUnknown { .. }
        | PayRefusal::CoverageInactive
        | PayRefusal::RefundExceedsSettled
        | PayRefusal::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        PayRefusal::EidUnavailable | PayRefusal::Busy => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// A refusal as a problem: its code, and what it tells beside, are those of the bus.
pub(crate) fn problem(refusal: &PayRefusal) -> Problem {
    let Ok(Value::Object(mut members)) = serde_json::to_value(refusal) else {
        unreachable!("a refusal is an object with a code")
    };
    let code = members.remove("code");
    let code = code.as_ref().and_then(Value::as_str).unwrap_or_default();
    let mut problem = Problem::new(status(refusal), code, refusal.to_string());
    for (name, value) in members {
        problem = problem.with(&name, value);
    }
    match refusal {
        PayRefusal::AmountInvalid { line: 0 } => problem.with("param", "/total"),
        PayRefusal::AmountInvalid { line } => problem.with("param", format!("/lines/{}", line - 1)),
        PayRefusal::SettlementInProgress | PayRefusal::EidUnavailable | PayRefusal::Busy => {
            problem.retry_after(RETRY_AFTER_S)
        }
        _ => problem,
    }
}

/// Every refusal, for the document: status and code.
pub(crate) fn refusals() -> Vec<Refusal> {
    let described = every().into_iter().map(|refusal| {
        let value = serde_json::to_value(&refusal).unwrap_or_default();
        (status(&refusal).as_u16(), value["code"].as_str().unwrap_or_default().to_owned())
    });
    let mut described: Vec<Refusal> = described.collect();
    described.sort();
    described
}

/// One of each kind.
fn every() -> [PayRefusal; 32] {
    let (none, id) = (Fen::ZERO, Uuid::nil());
    [
        PayRefusal::BillTotalMismatch { expected: 0, got: 0 },
        PayRefusal::AmountInvalid { line: 0 },
        PayRefusal::ItemUnknown { line: 1 },
        PayRefusal::CoverageInactive,
        PayRefusal::BillUnknown,
        PayRefusal::BillConflict,
        PayRefusal::AlreadyAdmitted { stay: BillId(id) },
        PayRefusal::StayUnknown,
        PayRefusal::PresettlementExpired,
        PayRefusal::PresettlementStale { fresh: None },
        PayRefusal::AccountInsufficient { available: none },
        PayRefusal::LimitDailyExceeded { limit: none, used: none },
        PayRefusal::LimitHourlyExceeded { limit: 0 },
        PayRefusal::SettlementUnknown,
        PayRefusal::AlreadyReversed { reversal: id },
        PayRefusal::RefundExceedsSettled,
        PayRefusal::NotOwed,
        PayRefusal::DayClosed,
        PayRefusal::IdempotencyKeyMissing,
        PayRefusal::IdempotencyKeyReused,
        PayRefusal::SettlementInProgress,
        PayRefusal::BillAlreadySettled { settlement: id },
        PayRefusal::EidRefused { reason: String::new() },
        PayRefusal::EidTokenExpired,
        PayRefusal::EidTokenReplayed,
        PayRefusal::PayerNotAuthorized,
        PayRefusal::EidUnavailable,
        PayRefusal::TerminalUnknown { terminal: TerminalId(1) },
        PayRefusal::OfflineMacInvalid { counter: 1 },
        PayRefusal::OfflineSequenceGap { expected: 1, got: 2 },
        PayRefusal::OfflineLimitExceeded { counter: 1, limit: none },
        PayRefusal::Busy,
    ]
}
