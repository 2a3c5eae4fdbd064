//! The QR code at the till: what a patient's own app reads to pay the cash part of a bill.
//!
//! The payload of EMV QR codes in merchant-presented mode: data objects of two digits for the name, two for the length
//! in characters, and the value; the last one is a checksum over all before it. A code says whom to pay how much; it is
//! no proof of anything, and a payment is known by being confirmed.
//!
//! Source: EMVCo, "EMV QR Code Specification for Payment Systems: Merchant-Presented Mode", version 1.1, chapters 3, 4.

use types::{BillId, Fen, ProviderId};

use crate::messages::{Bill, BillState};

/// Names of data objects, as chapter 4 has them.
const FORMAT: u8 = 0;
const INITIATION: u8 = 1;
const ACCOUNT: u8 = 26;
const CATEGORY: u8 = 52;
const CURRENCY: u8 = 53;
const AMOUNT: u8 = 54;
const COUNTRY: u8 = 58;
const NAME: u8 = 59;
const CITY: u8 = 60;
const CHECKSUM: u8 = 63;

/// Inside [`ACCOUNT`]: whose template it is, the provider, the bill.
const SCHEME: u8 = 0;
const PROVIDER: u8 = 1;
const BILL: u8 = 2;

/// Ours among all payment schemes.
const SCHEME_NAME: &str = "city.kite.pay";
/// A code for one payment.
const ONE_PAYMENT: &str = "12";
/// Yuan (ISO 4217).
const YUAN: &str = "156";
/// Hospitals (ISO 18245).
const HOSPITALS: &str = "8062";
/// The longest value of one data object \[characters\].
const VALUE_MAX: usize = 99;
/// The largest amount: 13 characters with its point \[fen\].
const AMOUNT_MAX: Fen = Fen::new(999_999_999_999);

/// What a code at the till says: pay this much to this provider for this bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BillCode {
    /// Whom.
    pub provider: ProviderId,
    /// For what.
    pub bill: BillId,
    /// How much \[fen\], from 1 to 999,999,999,999.
    pub amount: Fen,
}

/// Why a text is no such code, or there is no code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmvError {
    /// The bill is not presettled, or paid.
    #[error("the bill cannot be paid now")]
    NotPayable,
    /// There is nothing to pay, or more than a code can say.
    #[error("amount is {0} yuan, must be from 0.01 to {AMOUNT_MAX}")]
    AmountOutOfRange(Fen),
    /// It does not end in a checksum.
    #[error("does not end in a checksum, `6304` and four hexadecimal digits")]
    ChecksumMissing,
    /// A character was misread.
    #[error("checksum is {got:04X}, must be {expected:04X}")]
    ChecksumWrong {
        /// Over what was read.
        expected: u16,
        /// As it was read.
        got: u16,
    },
    /// A data object is cut off, or has no number for its name or length.
    #[error("no data object at character {0}")]
    ObjectBroken(usize),
    /// What must be there is not, or is something else.
    #[error("data object {0:02} is missing, or not as in a code of this city")]
    ObjectWrong(u8),
}

impl BillCode {
    /// The code of the cash part of a bill that can be paid, or whose cash is waited for; less what was deposited.
    ///
    /// # Errors
    ///
    /// [`EmvError::NotPayable`]
    pub fn of(bill: &Bill, state: &BillState) -> Result<Self, EmvError> {
        match state {
            BillState::Presettled { split, deposit, .. } | BillState::Held { split, deposit, .. } => {
                let amount = deposit.map_or(split.cash, |deposit| deposit.due);
                Ok(Self { provider: bill.provider, bill: bill.id, amount })
            }
            _ => Err(EmvError::NotPayable),
        }
    }

    /// The text for the QR symbol.
    ///
    /// # Errors
    ///
    /// [`EmvError::AmountOutOfRange`]
    pub fn encode(&self) -> Result<String, EmvError> {
        if self.amount <= Fen::ZERO || self.amount > AMOUNT_MAX {
            return Err(EmvError::AmountOutOfRange(self.amount));
        }
        let account = [
            object(SCHEME, SCHEME_NAME),
            object(PROVIDER, &self.provider.to_string()),
            object(BILL, &self.bill.0.simple().to_string()),
        ];
        let objects = [
            object(FORMAT, "01"),
            object(INITIATION, ONE_PAYMENT),
            object(ACCOUNT, &account.concat()),
            object(CATEGORY, HOSPITALS),
            object(CURRENCY, YUAN),
            object(AMOUNT, &self.amount.to_string()),
            object(COUNTRY, "CN"),
            object(NAME, &format!("Kitecity {}", self.provider)),
            object(CITY, "Weifang"),
        ];
        let text = format!("{}{CHECKSUM:02}04", objects.concat());
        let checksum = crc(text.as_bytes());
        Ok(format!("{text}{checksum:04X}"))
    }

    /// Reads such a text. Data objects that this city does not use are passed over, as the specification asks.
    ///
    /// # Errors
    ///
    /// [`EmvError`] for the first thing that is wrong; a misread character first.
    pub fn decode(text: &str) -> Result<Self, EmvError> {
        let objects = objects(checked(text)?)?;
        expect(&objects, FORMAT, "01")?;
        expect(&objects, CURRENCY, YUAN)?;
        let account = value(&objects, ACCOUNT)?;
        let (provider, bill) = read_account(account).ok_or(EmvError::ObjectWrong(ACCOUNT))?;
        let amount = fen(value(&objects, AMOUNT)?).ok_or(EmvError::ObjectWrong(AMOUNT))?;
        Ok(Self { provider, bill, amount })
    }
}

/// One data object.
fn object(name: u8, value: &str) -> String {
    let length = value.chars().count();
    assert!(length <= VALUE_MAX, "values of codes at the till are short");
    format!("{name:02}{length:02}{value}")
}

/// Everything before the checksum, if that is right.
fn checked(text: &str) -> Result<&str, EmvError> {
    let place = text.len().checked_sub(8).filter(|&place| text.is_char_boundary(place));
    let (objects, last) = text.split_at(place.ok_or(EmvError::ChecksumMissing)?);
    let digits =
        last.strip_prefix("6304").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let got =
        digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()).ok_or(EmvError::ChecksumMissing)?;
    let expected = crc(&text.as_bytes()[..text.len() - 4]);
    if got == expected { Ok(objects) } else { Err(EmvError::ChecksumWrong { expected, got }) }
}

/// Data objects in a row: name and value of each.
fn objects(text: &str) -> Result<Vec<(u8, &str)>, EmvError> {
    let (mut all, mut rest, mut at) = (Vec::new(), text, 0);
    while !rest.is_empty() {
        let (name, value, after) = first_object(rest).ok_or(EmvError::ObjectBroken(at))?;
        at += 4 + value.chars().count();
        all.push((name, value));
        rest = after;
    }
    Ok(all)
}

fn first_object(text: &str) -> Option<(u8, &str, &str)> {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    let (name, rest) = text.split_at_checked(2)?;
    let (length, rest) = rest.split_at_checked(2)?;
    let (name, length): (u8, u8) = (number(name)?, number(length)?);
    let mut ends = rest.char_indices().map(|(place, _)| place).chain([rest.len()]);
    let (value, rest) = rest.split_at(ends.nth(usize::from(length))?);
    Some((name, value, rest))
}

fn value<'a>(objects: &[(u8, &'a str)], wanted: u8) -> Result<&'a str, EmvError> {
    let found = objects.iter().find(|(name, _)| *name == wanted);
    found.map(|(_, value)| *value).ok_or(EmvError::ObjectWrong(wanted))
}

fn expect(objects: &[(u8, &str)], name: u8, expected: &str) -> Result<(), EmvError> {
    if value(objects, name)? == expected { Ok(()) } else { Err(EmvError::ObjectWrong(name)) }
}

/// Whom to pay for what, if the template is ours.
fn read_account(text: &str) -> Option<(ProviderId, BillId)> {
    let account = objects(text).ok()?;
    expect(&account, SCHEME, SCHEME_NAME).ok()?;
    let bill = value(&account, BILL).ok()?.parse().ok()?;
    Some((value(&account, PROVIDER).ok()?.parse().ok()?, BillId(bill)))
}

/// Yuan with or without a point, as fen.
fn fen(text: &str) -> Option<Fen> {
    let (yuan, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if text.len() > 13 || yuan.is_empty() || rest.len() > 2 || !digits(yuan) || !digits(rest) {
        return None;
    }
    let fen = format!("{yuan}{rest:0<2}").parse().ok().map(Fen::new)?;
    (fen > Fen::ZERO && fen <= AMOUNT_MAX).then_some(fen)
}

/// CRC-16 with the polynomial `1021` and the initial value `FFFF` (ISO/IEC 13239, as 4.7.3 has it).
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |crc, byte| {
        (0..8).fold(
            crc ^ u16::from(*byte) << 8,
            |crc: u16, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
            },
        )
    })
}

#[cfg(test)]
mod tests;
