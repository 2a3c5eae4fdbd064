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
//! - The bus may lose, repeat, delay and reorder: a repeated request gets the answer it got before.
//!
//! Not here yet: reversals and refunds, payment by a family member, inpatient care and other kinds of insurance,
//! the turn of the year, a register of contracted providers (the level is taken from the bill), reconciliation, and
//! books that survive a restart. The numbers in `config/policies/demo.toml` are not official.

#![deny(clippy::float_arithmetic)]

pub mod ledger;
pub mod payer;
pub mod provider;

mod adjudicate;
mod answers;
mod fingerprint;
mod messages;
mod policy;

pub use adjudicate::{LINES_MAX, Standing, adjudicate};
pub use ledger::{Account, Group, Ledger, LedgerError, Transfer, Unit};
pub use messages::{
    Bill, BillLine, Category, IdentityAnswer, IdentityCheck, IdentityResult, PayEvent, PayRefusal,
    PresettleReply, PresettleRequest, SettleReply, SettleRequest, Split, TillReply, TillRequest, TraceStep,
    VisitReply, VisitRequest,
};
pub use payer::{Payer, PayerConfigError};
pub use policy::{ByLevel, Policy, PolicyError};
pub use provider::{Books, Clinic, ProviderConfig};
