//! Medical-card payment: a bill, its split between fund, account and cash, and the payment of it.
//!
//! ```text
//! patient ──visit──▶ Clinic ──presettle──▶ Payer            (the split, valid for some minutes)
//!         ◀──bill───        ◀────split────
//!         ──code───▶        ────settle───▶       ──check──▶ e-ID verifier
//!         ◀──paid───        ◀────paid─────       ◀─answer──
//!                                         └─▶ Ledger        (one linked group, or nothing)
//! ```
//!
//! Read [`adjudicate()`] and [`Payer`] first. [`adjudicate()`] is a pure function: a [`Policy`], a [`Bill`] and where the
//! beneficiary stands give the [`Split`] and the reasoning behind it. [`Payer`] and [`Clinic`] are each a
//! [`Core`](types::Core): they do no I/O, read no clock, and meet each other and the verifier only in messages.
//!
//! What holds at any time:
//!
//! - A bill is settled at most once, and only after a fresh e-ID code of its beneficiary was accepted for it.
//! - The parts of a split add up to the bill; the transfers of a settlement are posted together or not at all.
//! - The balances of the [`Ledger`] add up to zero in each unit. Money is integer fen; there are no floats.
//! - Nothing is held while the verifier is asked: if it stays silent, nothing needs to be undone.
//! - What is taken back is taken back by counter-entries, once; nothing is ever edited.
//! - The bus may lose, repeat, delay and reorder: a repeated request gets the answer it got before.
//!
//! Not here yet: a register of contracted providers (the level is taken from the bill). The numbers in `config/policies/demo.toml` are not official.

#![deny(clippy::float_arithmetic)]

pub mod emv;
pub mod ledger;
pub mod offline;
pub mod payer;
pub mod provider;
pub mod reconcile;

mod adjudicate;
mod answers;
mod day;
mod fingerprint;
mod messages;
mod policy;

pub use adjudicate::{DepositUse, LINES_MAX, Standing, adjudicate};
pub use day::{Day, DayError};
pub use ledger::{Account, Group, Ledger, LedgerError, Quota, State, Step, Transfer, Unit};
pub use messages::{
    AccountUse, Bill, BillLine, BillState, BooksReply, BooksRequest, CashChannel, Category, Eligibility,
    Entry, IdentityAnswer, IdentityCheck, IdentityResult, LimitRule, Parked, PayEvent, PayRefusal, PayReply,
    PayRequest, PresettleReply, PresettleRequest, RefundLine, Replacement, Resolution, SettleReply,
    SettleRequest, SettledBill, Split, Statement, TillReply, TillRequest, TraceStep, UnpaidBill, VisitReply,
    VisitRequest,
};
pub use payer::{Beneficiary, Payer, PayerConfigError};
pub use policy::{
    ByLevel, Care, Insured, Limits, Period, Policies, PoliciesError, Policy, PolicyError, Rounding,
    RoundingRules, Scheme, Supplement, Tier,
};
pub use provider::{Books, Clinic, ProviderConfig};
