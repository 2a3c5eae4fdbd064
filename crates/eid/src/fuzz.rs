//! What must hold for any bytes from outside, one function for each format of a code.
//!
//! `fuzz/` drives them with coverage; the test below with the kept corpus, and with what chance makes of it.

use ciborium::Value;

use crate::decode::{decode_code, decode_cose, from_base45, from_cbor, labelled};
use crate::keys::to_cbor;
use crate::proof::Proof;
use crate::status::PublishedStatus;
use crate::zlib::{INFLATED_LEN_MAX, deflate, inflate};

/// Bytes have one text, and a text that is read is the one of its bytes.
pub fn base45(data: &[u8]) {
    assert_eq!(from_base45(&base45::encode(data)).as_deref(), Some(data));
    let text = String::from_utf8_lossy(data);
    if let Some(bytes) = from_base45(&text) {
        assert_eq!(base45::encode(bytes), text);
    }
}

/// Nothing inflates past the cap, and what we deflate is read back.
pub fn zlib(data: &[u8]) {
    assert!(inflate(data).is_ok_and(|bytes| bytes.len() <= INFLATED_LEN_MAX) || inflate(data).is_err());
    if data.len() <= INFLATED_LEN_MAX {
        assert_eq!(inflate(&deflate(data)).as_deref(), Ok(data));
    }
}

/// What is read is the same after it was written: compared as bytes, since a NaN is not itself.
pub fn cbor(data: &[u8]) {
    let Some(value) = from_cbor(data) else { return };
    let bytes = to_cbor(&value);
    assert_eq!(from_cbor(&bytes).map(|again| to_cbor(&again)), Some(bytes));
    let _ = Proof::read(&value);
    if let Some(labels) = labelled(value) {
        let entries = labels.into_iter().map(|(label, value)| (Value::from(label), value)).collect();
        assert!(labelled(Value::Map(entries)).is_some(), "no label stands twice");
    }
}

/// What is taken apart answers every question about it, and is put together as the same.
pub fn cose(data: &[u8]) {
    let Ok(code) = decode_cose(data) else { return };
    let _ = (code.claims(), code.kid(), code.proof());
    let proved = decode_cose(&code.with_countersignature(Value::Null)).expect("only the proof was replaced");
    assert_eq!((proved.claims(), &proved.payload), (code.claims(), &code.payload));
}

/// The whole way of a code, from the text on; and of a status list, which comes as a text too.
pub fn code(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = decode_code(&text).map(|code| (code.claims(), code.proof()));
    let _ = PublishedStatus::read(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_stands_its_corpus_and_what_is_nearly_right() {
        smoke::run("base45", 1_500, base45);
        smoke::run("zlib", 1_500, zlib);
        smoke::run("cbor", 1_500, cbor);
        smoke::run("cose", 1_500, cose);
        smoke::run("code", 1_500, code);
    }
}
