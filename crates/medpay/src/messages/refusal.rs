use serde::{Deserialize, Serialize};
use types::{BillId, Fen, TerminalId};
use uuid::Uuid;

use super::{LimitRule, Split};

/// Why the payer did not do what was asked. Nothing was changed, nothing is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PayRefusal {
    /// The total is not the sum of the lines.
    #[error("bill total is {got} fen, its lines add up to {expected}")]
    BillTotalMismatch {
        /// Sum of the lines \[fen\].
        expected: i64,
        /// The total given \[fen\].
        got: i64,
    },
    /// A price, quantity or share is out of range, or the sum does not fit.
    #[error("line {line}: amount out of range")]
    AmountInvalid {
        /// Which line, from 1; 0 is the bill as a whole.
        line: u32,
    },
    /// Nobody knows this item, or not in this category.
    #[error("line {line}: no such item in this category")]
    ItemUnknown {
        /// Which line, from 1.
        line: u32,
    },
    /// The beneficiary is not insured here, or not for this care on this day.
    #[error("beneficiary is not covered")]
    CoverageInactive,
    /// No presettled bill of this id.
    #[error("bill is not presettled")]
    BillUnknown,
    /// The beneficiary is in hospital already.
    #[error("beneficiary is admitted already, for stay {stay}")]
    AlreadyAdmitted {
        /// The stay that goes on.
        stay: BillId,
    },
    /// No stay of this id goes on.
    #[error("no such stay goes on")]
    StayUnknown,
    /// The same bill id was presettled with other contents.
    #[error("bill id is in use for another bill")]
    BillConflict,
    /// The presettlement is over.
    #[error("presettlement has expired")]
    PresettlementExpired,
    /// Policy, deductible, cap or account changed since the presettlement.
    #[error("presettlement is stale, presettle again")]
    PresettlementStale {
        /// How the bill would be paid now, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fresh: Option<Split>,
    },
    /// The account has less than it was to pay: it was emptied or frozen since the presettlement.
    #[error("account has only {available} yuan")]
    AccountInsufficient {
        /// What it has \[fen\].
        available: Fen,
    },
    /// The beneficiary's bills of the day would be over the limit.
    #[error("over the daily limit of {limit} yuan, of which {used} are used")]
    LimitDailyExceeded {
        /// What a day's bills may come to \[fen\].
        limit: Fen,
        /// What they came to before this one \[fen\].
        used: Fen,
    },
    /// The beneficiary paid too often in an hour.
    #[error("more than {limit} payments in an hour")]
    LimitHourlyExceeded {
        /// How many there may be.
        limit: u32,
    },
    /// No settlement of this id that could be reversed, captured or shown.
    #[error("no such settlement")]
    SettlementUnknown,
    /// The settlement was reversed.
    #[error("settlement was reversed by {reversal}")]
    AlreadyReversed {
        /// Its counter-entries.
        reversal: Uuid,
    },
    /// More is to be refunded than was settled.
    #[error("the lines to refund were not settled like that")]
    RefundExceedsSettled,
    /// The provider is owed less than was to be taken back.
    #[error("provider is not owed that much")]
    NotOwed,
    /// The books of this day are closed.
    #[error("day of business is closed")]
    DayClosed,
    /// A request without correlation data: it could not be known again.
    #[error("request has no idempotency key")]
    IdempotencyKeyMissing,
    /// The same key, and another request.
    #[error("idempotency key was used for another request")]
    IdempotencyKeyReused,
    /// A settlement of this bill waits for the e-ID answer.
    #[error("a settlement of this bill is in progress")]
    SettlementInProgress,
    /// The bill is paid.
    #[error("bill is already settled as {settlement}")]
    BillAlreadySettled {
        /// The settlement that paid it.
        settlement: Uuid,
    },
    /// The verifier refused the code.
    #[error("e-ID code refused: {reason}")]
    EidRefused {
        /// The verifier's reason.
        reason: String,
    },
    /// The code is older than 60 s.
    #[error("e-ID code is too old")]
    EidTokenExpired,
    /// The code was used before.
    #[error("e-ID code was used before")]
    EidTokenReplayed,
    /// The code belongs to someone else, who did not agree to pay.
    #[error("the holder of the code is not the beneficiary")]
    PayerNotAuthorized,
    /// The verifier did not answer in 2 s.
    #[error("e-ID verification is unavailable")]
    EidUnavailable,
    /// Nobody allowed this terminal to work offline.
    #[error("terminal {terminal} has no allowance")]
    TerminalUnknown {
        /// Which.
        terminal: TerminalId,
    },
    /// A voucher that the terminal did not sign, or that was changed since.
    #[error("voucher {counter}: signature is wrong")]
    OfflineMacInvalid {
        /// Which.
        counter: u64,
    },
    /// A voucher is missing before this one.
    #[error("voucher {expected} is missing, got {got}")]
    OfflineSequenceGap {
        /// The next one of this terminal.
        expected: u64,
        /// The one that was given.
        got: u64,
    },
    /// More was taken from an account than the terminal may take, at once or in sum.
    #[error("voucher {counter}: over the terminal's limit of {limit} yuan")]
    OfflineLimitExceeded {
        /// Which.
        counter: u64,
        /// The limit \[fen\].
        limit: Fen,
    },
    /// Too many bills or settlements at once.
    #[error("the payer is at its limit of open bills")]
    Busy,
}

impl PayRefusal {
    /// The limit that was exceeded; `None` if it is about something else.
    pub fn limit_rule(&self) -> Option<LimitRule> {
        match self {
            Self::LimitDailyExceeded { .. } => Some(LimitRule::Daily),
            Self::LimitHourlyExceeded { .. } => Some(LimitRule::Hourly),
            Self::OfflineLimitExceeded { .. } => Some(LimitRule::Offline),
            _ => None,
        }
    }
}
