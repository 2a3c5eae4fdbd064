use proptest::prelude::*;
use uuid::Uuid;

use super::*;

/// The example of the specification, which has a template in Chinese and data objects in no particular order.
const SPECIFIED: &str = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A";

/// 116.36 yuan, the cash of the first worked vector.
const CODE: &str = "00020101021226630013city.kite.pay0106h-00010232019d9e2c5b80700080000000000000015204806253031565406116.365802CN5915Kitecity h-00016007Weifang63042662";

fn code(amount: i64) -> BillCode {
    let bill = BillId(Uuid::from_u128(0x019d_9e2c_5b80_7000_8000_0000_0000_0001));
    BillCode { provider: ProviderId(1), bill, amount: Fen::new(amount) }
}

/// With the right checksum again.
fn sealed(objects: &str) -> String {
    let text = format!("{objects}6304");
    let checksum = crc(text.as_bytes());
    format!("{text}{checksum:04X}")
}

#[test]
fn nothing_to_pay_or_more_than_a_code_can_say_has_no_code() {
    for amount in [0, -1, 1_000_000_000_000] {
        assert_eq!(code(amount).encode(), Err(EmvError::AmountOutOfRange(Fen::new(amount))));
    }
}

#[test]
fn a_misread_or_missing_character_is_noticed() {
    let text = code(11_636).encode().unwrap();
    let misread = text.replacen("116.36", "116.37", 1);
    assert!(matches!(BillCode::decode(&misread), Err(EmvError::ChecksumWrong { .. })), "{misread}");
    for cut in ["", "6304", "最佳运输", &text[..text.len() - 1], &format!("{text} ")] {
        assert_eq!(BillCode::decode(cut), Err(EmvError::ChecksumMissing), "{cut}");
    }
}

#[test]
fn data_objects_that_are_broken_missing_or_of_another_scheme_are_named() {
    for (objects, error) in [
        ("0002", EmvError::ObjectBroken(0)),
        ("000201x10212", EmvError::ObjectBroken(6)),
        ("000201+1", EmvError::ObjectBroken(6)),
        ("000201530315", EmvError::ObjectBroken(6)),
        ("0002015303156", EmvError::ObjectWrong(ACCOUNT)),
        ("000202", EmvError::ObjectWrong(FORMAT)),
        ("000201", EmvError::ObjectWrong(CURRENCY)),
        ("0002015303840", EmvError::ObjectWrong(CURRENCY)),
        ("00020153031562609000512345", EmvError::ObjectWrong(ACCOUNT)),
    ] {
        assert_eq!(BillCode::decode(&sealed(objects)), Err(error), "{objects}");
    }
    let text = code(11_636).encode().unwrap();
    for amount in ["0006", "1.6.36", "116.-6", " 16.36"] {
        let objects =
            text[..text.len() - 8].replacen("116.36", amount, 1).replacen("54060006", "54040.00", 1);
        assert_eq!(BillCode::decode(&sealed(&objects)), Err(EmvError::ObjectWrong(AMOUNT)), "{amount}");
    }
}

#[test]
fn the_example_of_the_specification_has_the_right_checksum_and_objects() {
    let objects = objects(checked(SPECIFIED).unwrap()).unwrap();
    assert_eq!(value(&objects, NAME), Ok("BEST TRANSPORT"));
    assert_eq!(fen(value(&objects, AMOUNT).unwrap()), Some(Fen::new(2_372)));
    let chinese = self::objects(value(&objects, 64).unwrap()).unwrap();
    assert_eq!(chinese, [(0, "ZH"), (1, "最佳运输"), (2, "北京")]);
    // A good code, but not for a bill of this city.
    assert_eq!(BillCode::decode(SPECIFIED), Err(EmvError::ObjectWrong(ACCOUNT)));
}

#[test]
fn a_code_reads_as_it_is_written_down_here() {
    assert_eq!(code(11_636).encode().unwrap(), CODE);
}

proptest! {
    #[test]
    fn a_code_is_read_as_what_it_was_made_from(provider in 1..9_999_u32, bill: u128, amount in 1..=AMOUNT_MAX.get()) {
        let code =
            BillCode { provider: ProviderId(provider), bill: BillId(Uuid::from_u128(bill)), amount: Fen::new(amount) };
        prop_assert_eq!(BillCode::decode(&code.encode().unwrap()), Ok(code));
    }

    #[test]
    fn no_text_whatever_panics(text: String, objects in "[0-9a-z最]{0,40}") {
        let _ = BillCode::decode(&text);
        let _ = BillCode::decode(&sealed(&objects));
    }
}
