//! Terminals that take payments while nobody can be asked.
//!
//! A terminal gets an allowance beforehand: so much at once, so much in sum. What it takes it signs as a [`Voucher`],
//! numbered without gaps, and forwards when it can. It takes from personal account and cash only: what the fund pays
//! depends on what was paid elsewhere meanwhile. If an account turns out to have less than was taken from it, the rest
//! is borne by the allowance, so that the provider gets what it was promised.

use std::collections::VecDeque;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use types::{Fen, TerminalId, Timestamp};
use uuid::Uuid;

use crate::messages::{Bill, PayRefusal};

/// Vouchers forwarded at once, and those that wait in a terminal, at most.
pub const VOUCHERS_MAX: usize = 100;

/// 32 bytes, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TerminalKey([u8; 32]);

impl TerminalKey {
    /// This key.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// Shows which one it is and not what: the beginning of its signature of nothing.
impl fmt::Debug for TerminalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TerminalKey({})", &hex(&signature(self, ""))[..16])
    }
}

impl TryFrom<String> for TerminalKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        unhex(&text).map(Self).ok_or("a terminal's key is 64 hexadecimal digits")
    }
}

impl From<TerminalKey> for String {
    fn from(key: TerminalKey) -> Self {
        hex(&key.0)
    }
}

/// A payment that was taken offline, signed by its terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voucher {
    /// Its number: 1 for the first of a terminal, then one more each time.
    pub counter: u64,
    /// When it was taken, by the terminal's clock.
    pub taken: Timestamp,
    /// The bill.
    pub bill: Bill,
    /// What was taken from the personal account; the rest was paid in cash \[fen\].
    pub account: Fen,
    /// HMAC-SHA256 over [`signed`](Self::signed), in hex.
    pub mac: String,
}

impl Voucher {
    /// What is signed: one line each for the kind, terminal, number, time \[ms\], bill, provider, beneficiary, total and
    /// account part \[fen\]. Another program can write it too.
    pub fn signed(&self, terminal: TerminalId) -> String {
        let Self { counter, taken, bill, account, .. } = self;
        format!(
            "kitecity-voucher-1\n{terminal}\n{counter}\n{}\n{}\n{}\n{}\n{}\n{}\n",
            taken.as_millis(),
            bill.id.0,
            bill.provider,
            bill.beneficiary,
            bill.total.get(),
            account.get()
        )
    }

    /// Whether `terminal` signed it with `key`.
    pub fn is_signed_by(&self, terminal: TerminalId, key: &TerminalKey) -> bool {
        let signed = keyed(key, &self.signed(terminal));
        unhex(&self.mac).is_some_and(|mac| signed.verify_slice(&mac).is_ok())
    }
}

/// What became of a voucher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forwarded {
    /// Its number.
    pub counter: u64,
    /// Whether it was forwarded before; then nothing happened now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a voucher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is paid.
    Settled {
        /// The settlement.
        settlement: Uuid,
        /// What the account had not, and the allowance bore \[fen\].
        borne: Fen,
    },
    /// It is not paid, and not taken again: somebody must look after it.
    Refused(PayRefusal),
}

/// A terminal without a connection.
#[derive(Debug)]
pub struct Terminal {
    id: TerminalId,
    key: TerminalKey,
    per_payment: Fen,
    left: Fen,
    next: u64,
    waiting: VecDeque<Voucher>,
}

impl Terminal {
    /// A terminal that may take `per_payment` at once and `total` in sum; its next voucher is number `next`.
    pub fn new(id: TerminalId, key: TerminalKey, per_payment: Fen, total: Fen, next: u64) -> Self {
        Self { id, key, per_payment, left: total, next, waiting: VecDeque::new() }
    }

    /// Takes `account` from the personal account, and the rest of the bill in cash.
    ///
    /// # Errors
    ///
    /// [`PayRefusal::OfflineLimitExceeded`], [`PayRefusal::AmountInvalid`] for more than the bill or less than nothing,
    /// [`PayRefusal::Busy`] if [`VOUCHERS_MAX`] wait.
    pub fn take(&mut self, now: Timestamp, bill: Bill, account: Fen) -> Result<(), PayRefusal> {
        if account < Fen::ZERO || account > bill.total {
            return Err(PayRefusal::AmountInvalid { line: 0 });
        }
        let limit = self.per_payment.min(self.left);
        if account > limit {
            return Err(PayRefusal::OfflineLimitExceeded { counter: self.next, limit });
        }
        if self.waiting.len() >= VOUCHERS_MAX {
            return Err(PayRefusal::Busy);
        }
        let mut voucher = Voucher { counter: self.next, taken: now, bill, account, mac: String::new() };
        voucher.mac = hex(&signature(&self.key, &voucher.signed(self.id)));
        self.left = self.left.minus(account).expect("no more than is left");
        self.next += 1;
        self.waiting.push_back(voucher);
        Ok(())
    }

    /// What is to be forwarded, again and again until it is answered.
    pub fn waiting(&self) -> Vec<Voucher> {
        self.waiting.iter().cloned().collect()
    }

    /// Takes note that everything before number `next` is known to the payer.
    pub fn forwarded(&mut self, next: u64) {
        while self.waiting.front().is_some_and(|voucher| voucher.counter < next) {
            self.waiting.pop_front();
        }
    }
}

fn keyed(key: &TerminalKey, text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac
}

fn signature(key: &TerminalKey, text: &str) -> [u8; 32] {
    keyed(key, text).finalize().into_bytes().into()
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, place) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[place..place + 2], 16).ok()?;
    }
    Some(bytes)
}
