//! Why issuer or verifier did not do it, in HTTP's words. The only place where that is said.

use axum::http::StatusCode;
use eid::advice::{self, Advice};
use eid::{CredentialRefusal, EnrolRefusal, ManageRefusal, OwnRefusal, Refusal as Refused, RefusalReason};
use serde::Serialize;
use serde_json::Value;
use types::{SECOND_MS, Timestamp};

use crate::http::Problem;
use crate::http::openapi::Refusal;

/// How long failures count \[s\]: after that, who had to wait may try again.
const RETRY_AFTER_S: u32 = 60;

/// Status and stage of a code's refusal.
fn of_code(reason: RefusalReason) -> (StatusCode, &'static str) {
    use RefusalReason as R;
    match reason {
        R::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "limit"),
        R::SpokenUnknown => (StatusCode::NOT_FOUND, "spoken"),
        R::QrTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "decode"),
        R::QrEmpty | R::QrNotBase45 | R::QrBadCompression | R::CoseInvalid | R::AlgNotAllowed => {
            (StatusCode::BAD_REQUEST, "decode")
        }
        R::IssuerUnknown | R::IssuerKeyRevoked | R::SignatureInvalid => (StatusCode::UNAUTHORIZED, "issuer"),
        R::TokenExpired | R::TokenNotYetValid => (StatusCode::UNAUTHORIZED, "time"),
        R::ClaimMissing => (StatusCode::UNPROCESSABLE_ENTITY, "claim"),
        R::HolderProofMissing | R::HolderProofInvalid => (StatusCode::UNAUTHORIZED, "holder"),
        R::AudienceMismatch => (StatusCode::FORBIDDEN, "audience"),
        R::TokenReplayed => (StatusCode::CONFLICT, "replay"),
        R::CredentialRevoked | R::CredentialSuspended => (StatusCode::FORBIDDEN, "status"),
        R::StatusStale => (StatusCode::SERVICE_UNAVAILABLE, "status"),
        R::GuardianshipEnded => (StatusCode::FORBIDDEN, "guardian"),
        R::ScopeNotGranted | R::ConsentDenied => (StatusCode::FORBIDDEN, "scope"),
    }
}

/// A code was refused.
pub(super) fn code(now: Timestamp, refusal: &Refused) -> Problem {
    let (status, stage) = of_code(refusal.reason);
    let mut problem = advised(status, refusal.reason, stage, advice::of(refusal.reason));
    if let Some(at) = refusal.first_seen {
        problem = problem.with("first_seen", at.as_millis());
    }
    if let Some(at) = refusal.retry_at {
        let seconds = (at.millis_since(now) + SECOND_MS - 1).div_euclid(SECOND_MS);
        problem = problem.retry_after(u32::try_from(seconds).unwrap_or(1).max(1));
    } else if refusal.reason == RefusalReason::RateLimited {
        problem = problem.retry_after(RETRY_AFTER_S);
    }
    problem
}

fn of_enrolment(refusal: EnrolRefusal) -> StatusCode {
    match refusal {
        EnrolRefusal::ResidentChecksum | EnrolRefusal::ResidentRegion | EnrolRefusal::ResidentDate => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        EnrolRefusal::ResidentUnknown => StatusCode::NOT_FOUND,
        EnrolRefusal::ResidentInactive => StatusCode::FORBIDDEN,
        EnrolRefusal::RateLimited => StatusCode::TOO_MANY_REQUESTS,
    }
}

/// Somebody was not enrolled.
pub(super) fn enrolment(refusal: EnrolRefusal) -> Problem {
    let problem = advised(of_enrolment(refusal), refusal, "enrolment", advice::of_enrolment(refusal));
    if refusal == EnrolRefusal::RateLimited { problem.retry_after(RETRY_AFTER_S) } else { problem }
}

fn of_credentials(refusal: CredentialRefusal) -> StatusCode {
    match refusal {
        CredentialRefusal::KeyProofInvalid => StatusCode::UNAUTHORIZED,
        CredentialRefusal::CountOutOfRange => StatusCode::UNPROCESSABLE_ENTITY,
        CredentialRefusal::NotEnrolled | CredentialRefusal::GuardianshipEnded => StatusCode::FORBIDDEN,
        CredentialRefusal::TooManyPhones => StatusCode::CONFLICT,
    }
}

/// A phone got no credentials.
pub(super) fn credentials(refusal: CredentialRefusal) -> Problem {
    advised(of_credentials(refusal), refusal, "issuing", advice::of_credentials(refusal))
}

/// Whose codes are not good, or who never had any: one answer.
pub(super) fn not_enrolled() -> Problem {
    credentials(CredentialRefusal::NotEnrolled)
}

/// What a holder wanted was not done: status and words.
fn of_own(refusal: OwnRefusal) -> (StatusCode, &'static str, &'static str) {
    match refusal {
        OwnRefusal::NotEnrolled => {
            (StatusCode::FORBIDDEN, "not enrolled, or not any more", "尚未注册，或已失效")
        }
        OwnRefusal::KeyProofInvalid => (
            StatusCode::UNAUTHORIZED,
            "the phone did not sign this, or its nonce is used or over; get a new nonce",
            "手机签名不符，或随机数已用过或过期；请重新获取",
        ),
        OwnRefusal::TooManyPhones => (
            StatusCode::CONFLICT,
            "as many phones as one may have; take one off first",
            "手机数量已达上限；请先移除一部",
        ),
        OwnRefusal::Unknown => (StatusCode::NOT_FOUND, "no such phone or grant", "没有这部手机或这项授权"),
        OwnRefusal::NoGuardian => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "a guardian is another resident, of age and living here",
            "监护人须是其他成年且在本市的居民",
        ),
        OwnRefusal::NotOfAge => (
            StatusCode::FORBIDDEN,
            "who is not of age gets a guardian at the counter",
            "未成年人的监护人须到窗口办理",
        ),
        OwnRefusal::DaysOutOfRange => {
            (StatusCode::UNPROCESSABLE_ENTITY, "a grant lasts 1 to 1826 days", "授权期限为 1 至 1826 天")
        }
        OwnRefusal::TooMany => {
            (StatusCode::CONFLICT, "as many guardians as one may have", "监护人数量已达上限")
        }
    }
}

/// What a holder wanted was not done.
pub(super) fn own(refusal: OwnRefusal) -> Problem {
    let (status, en, zh) = of_own(refusal);
    Problem::new(status, name(&refusal), en).with("stage", "own").with("detail_zh", zh)
}

fn of_counter(refusal: ManageRefusal) -> (StatusCode, &'static str, &'static str) {
    match refusal {
        ManageRefusal::TooEarly => (
            StatusCode::CONFLICT,
            "the next key was published less than 24 hours ago",
            "下一密钥公布不足 24 小时",
        ),
        ManageRefusal::Unknown => {
            (StatusCode::NOT_FOUND, "no such key, resident, card or grant", "没有这一密钥、居民、证卡或授权")
        }
        ManageRefusal::DaysOutOfRange => {
            (StatusCode::UNPROCESSABLE_ENTITY, "1 to 1826 days", "期限为 1 至 1826 天")
        }
        ManageRefusal::TooMany => (StatusCode::CONFLICT, "as many as there may be", "数量已达上限"),
        ManageRefusal::NoGuardian => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "a guardian is of age, and another person than the ward",
            "监护人须成年，且不是本人",
        ),
    }
}

/// What a clerk wanted was not done.
pub(super) fn counter(refusal: ManageRefusal) -> Problem {
    let (status, en, zh) = of_counter(refusal);
    Problem::new(status, name(&refusal), en).with("stage", "counter").with("detail_zh", zh)
}

/// A request that nobody has, or not any more.
pub(super) fn no_request() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "request_unknown", "no such request waits; it may be over")
        .with("stage", "consent")
        .with("detail_zh", "没有这一请求，或已过期")
}

fn advised(status: StatusCode, reason: impl Serialize, stage: &str, advice: Advice) -> Problem {
    let detail = format!("{}. {}", advice.title_en, advice.advice_en);
    let zh = format!("{}。{}", advice.title_zh, advice.advice_zh);
    Problem::new(status, name(&reason), detail).with("stage", stage).with("detail_zh", zh)
}

/// A refusal's code: its name on the bus.
fn name(refusal: &impl Serialize) -> String {
    let value = serde_json::to_value(refusal).unwrap_or_default();
    value.as_str().map_or_else(String::new, str::to_owned)
}

/// Every refusal, for the document: status and code.
pub(crate) fn refusals() -> Vec<Refusal> {
    use EnrolRefusal as E;
    let row =
        |status: StatusCode, code: Value| (status.as_u16(), code.as_str().unwrap_or_default().to_owned());
    let codes = RefusalReason::ALL.map(|reason| row(of_code(reason).0, name(&reason).into()));
    let enrolments =
        [E::ResidentChecksum, E::ResidentRegion, E::ResidentDate, E::ResidentUnknown, E::ResidentInactive]
            .map(|refusal| row(of_enrolment(refusal), name(&refusal).into()));
    let mut all: Vec<Refusal> = codes.into_iter().chain(enrolments).collect();
    all.sort();
    all
}
