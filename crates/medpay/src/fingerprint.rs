use types::{Fen, Stream, Timestamp};
use uuid::Uuid;

use crate::messages::{Bill, Category};

/// FNV-1a, 128 bits: tells one thing from another by chance alone.
///
/// A binding between a question and its answer, not a secret and no protection against somebody who looks for a
/// collision. Where it matters that two bills are the same, the bills themselves are compared.
struct Fnv(u128);

impl Fnv {
    fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }

    /// With its length, so that `ab, c` and `a, bc` differ.
    fn write_text(&mut self, text: &str) {
        self.write(&(text.len() as u64).to_be_bytes());
        self.write(text.as_bytes());
    }

    fn write_fen(&mut self, fen: Fen) {
        self.write(&fen.get().to_be_bytes());
    }
}

/// What tells one request from another: the hash of all it says.
pub(crate) fn fingerprint(request: &impl std::fmt::Debug) -> u128 {
    struct Text(Fnv);
    impl std::fmt::Write for Text {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }
    let mut text = Text(Fnv::new());
    std::fmt::write(&mut text, format_args!("{request:?}")).expect("a hash takes every text");
    text.0.0
}

/// What ties a code to one attempt at paying one bill: the hash of both, in 32 hex digits.
///
/// Stable: the same on every machine and in every version, because it goes over the bus.
pub(crate) fn reference(bill: &Bill, attempt: u32) -> String {
    let mut hash = Fnv::new();
    hash.write(&attempt.to_be_bytes());
    hash.write(bill.id.0.as_bytes());
    hash.write(&bill.provider.0.to_be_bytes());
    hash.write(&[bill.level]);
    hash.write(&bill.beneficiary.0.to_be_bytes());
    for line in &bill.lines {
        hash.write_text(&line.item);
        hash.write(&[match line.category {
            Category::A => b'A',
            Category::B => b'B',
            Category::C => b'C',
        }]);
        hash.write_fen(line.unit_price);
        hash.write(&line.quantity_milli.to_be_bytes());
        hash.write(&[u8::from(line.price_limit.is_some())]);
        hash.write_fen(line.price_limit.unwrap_or_default());
        hash.write(&line.preself_bp.to_be_bytes());
    }
    hash.write_fen(bill.total);
    format!("{:032x}", hash.0)
}

/// A fresh id that sorts by time, laid out like UUID version 7.
pub(crate) fn fresh_id(now: Timestamp, ids: &mut Stream) -> Uuid {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &ids.bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use types::{BillId, ProviderId, ResidentId, Seed};

    use super::*;
    use crate::messages::BillLine;

    #[test]
    fn the_hash_is_fnv_1a() {
        let mut hash = Fnv::new();
        hash.write(b"a");
        assert_eq!(hash.0, 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }

    #[test]
    fn another_attempt_or_another_bill_has_another_reference() {
        let line = BillLine {
            item: "x".into(),
            category: Category::A,
            unit_price: Fen::new(7),
            quantity_milli: 1_000,
            price_limit: None,
            preself_bp: 0,
        };
        let bill = Bill {
            id: BillId(Uuid::nil()),
            provider: ProviderId(1),
            level: 1,
            beneficiary: ResidentId(2),
            lines: vec![line.clone()],
            total: Fen::new(7),
            care: crate::policy::Care::Outpatient,
            date: None,
        };
        assert_eq!(reference(&bill, 1), "bee5e3d131124ce6a7eb1075413a94dd");
        assert_ne!(reference(&bill, 2), reference(&bill, 1));
        let limited = BillLine { price_limit: Some(Fen::ZERO), ..line };
        let changed = [
            Bill { beneficiary: ResidentId(3), ..bill.clone() },
            Bill { total: Fen::new(8), ..bill.clone() },
            Bill { lines: vec![limited], ..bill.clone() },
        ];
        for other in changed {
            assert_ne!(reference(&other, 1), reference(&bill, 1));
        }
    }

    #[test]
    fn moving_a_byte_from_one_text_to_the_next_is_noticed() {
        let mut first = Fnv::new();
        first.write_text("ab");
        first.write_text("c");
        let mut second = Fnv::new();
        second.write_text("a");
        second.write_text("bc");
        assert_ne!(first.0, second.0);
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let mut ids = Seed(1).stream("ids", 0);
        let first = fresh_id(Timestamp::from_millis(1_000), &mut ids);
        let second = fresh_id(Timestamp::from_millis(1_001), &mut ids);
        assert!(first < second);
        assert_eq!(first.get_version_num(), 7);
    }
}
