use std::fmt;

use crate::{BirthDate, Gender, NoSuchDate};

/// The region of every resident number of this city.
///
/// It lies within Weifang's block (3707xx) and is assigned to no district, so that no number of this city can be the
/// number of a real person, although its check character is right.
pub const UNREAL_REGION: u32 = 370_799;

/// The number of digits of a resident number, with its check character.
const LENGTH: usize = 18;

/// Weights of the first 17 digits (GB 11643-1999, ISO 7064 MOD 11-2).
const WEIGHTS: [u32; LENGTH - 1] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// The check character for each remainder of the weighted sum by 11.
const CHECK_CHARACTERS: [u8; 11] = *b"10X98765432";

/// First two digits of a region: the province-level divisions of GB/T 2260.
const PROVINCES: [u32; 34] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54,
    61, 62, 63, 64, 65, 71, 81, 82,
];

/// A citizen identity number: region, birth date, sequence, check character.
///
/// Always 18 characters with a right check character, a region in a known province, and a birth date that exists.
/// Whether somebody has that number is the [`Registry`](crate::Registry)'s business.
///
/// Personal data: `Debug` hides it and there is no `Display`; show [`masked`](Self::masked).
///
/// Source: GB 11643-1999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResidentNo {
    characters: [u8; LENGTH],
    /// Kept beside the characters it was read from: asked for often, and known to exist.
    birth: BirthDate,
}

/// Why something is not a resident number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResidentNoError {
    /// Not 17 digits and a check character, or the check character is wrong.
    #[error("check character of the resident number is wrong")]
    Checksum,
    /// The first two digits are no province, or the region is not six digits.
    #[error("region of the resident number is unknown")]
    Region,
    /// The birth date does not exist.
    #[error("birth date of the resident number does not exist")]
    Date,
    /// The sequence within a region and day is not `0..=999`. Cannot come from [`ResidentNo::parse`].
    #[error("sequence of the resident number is over 999")]
    Sequence,
}

impl From<NoSuchDate> for ResidentNoError {
    fn from(_: NoSuchDate) -> Self {
        Self::Date
    }
}

impl ResidentNo {
    /// The number of the person registered as `sequence`th of a region and day.
    ///
    /// `region` – six digits, GB/T 2260. `sequence` – `0..=999`, odd for a male, even for a female.
    ///
    /// # Errors
    ///
    /// [`ResidentNoError::Region`] or [`ResidentNoError::Sequence`].
    pub fn new(region: u32, birth: BirthDate, sequence: u16) -> Result<Self, ResidentNoError> {
        if !is_in_a_province(region) {
            return Err(ResidentNoError::Region);
        }
        if sequence > 999 {
            return Err(ResidentNoError::Sequence);
        }
        let digits = format!("{region:06}{}{sequence:03}", birth.to_yyyymmdd());
        let mut characters = [0; LENGTH];
        characters[..LENGTH - 1].copy_from_slice(digits.as_bytes());
        characters[LENGTH - 1] = check_character(&characters[..LENGTH - 1]);
        Ok(Self { characters, birth })
    }

    /// Reads a number as a person types it; a small `x` at the end is taken for `X`.
    ///
    /// # Errors
    ///
    /// The first of [`Checksum`](ResidentNoError::Checksum), [`Region`](ResidentNoError::Region) and
    /// [`Date`](ResidentNoError::Date) that applies.
    pub fn parse(text: &str) -> Result<Self, ResidentNoError> {
        check_within(text, is_in_a_province)
    }

    /// All 18 characters. Personal data: not for logs, topics or events.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.characters).expect("only digits and X were let in")
    }

    /// What may be shown to others: the first three and the last two characters, such as `370*************2X`.
    pub fn masked(&self) -> String {
        let text = self.as_str();
        format!("{}*************{}", &text[..3], &text[LENGTH - 2..])
    }

    /// The region, six digits.
    pub fn region(&self) -> u32 {
        number(&self.characters[..6])
    }

    /// The birth date.
    pub fn birth(&self) -> BirthDate {
        self.birth
    }

    /// The gender: an odd sequence is male.
    pub fn gender(&self) -> Gender {
        if number(&self.characters[14..17]) % 2 == 1 { Gender::Male } else { Gender::Female }
    }
}

impl fmt::Debug for ResidentNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResidentNo(hidden)")
    }
}

/// Reads a number whose region must be one of those allowed. The order of the checks is part of the contract.
pub(crate) fn check_within(
    text: &str,
    is_allowed: impl FnOnce(u32) -> bool,
) -> Result<ResidentNo, ResidentNoError> {
    let mut characters: [u8; LENGTH] = text.as_bytes().try_into().map_err(|_| ResidentNoError::Checksum)?;
    characters[LENGTH - 1].make_ascii_uppercase();
    let digits = &characters[..LENGTH - 1];
    if !digits.iter().all(u8::is_ascii_digit) || characters[LENGTH - 1] != check_character(digits) {
        return Err(ResidentNoError::Checksum);
    }
    if !is_allowed(number(&digits[..6])) {
        return Err(ResidentNoError::Region);
    }
    let (year, month, day) = (number(&digits[6..10]), number(&digits[10..12]), number(&digits[12..14]));
    let birth = BirthDate::new(year as u16, month as u8, day as u8)?;
    Ok(ResidentNo { characters, birth })
}

/// Dividing leaves a region that is not six digits without a province.
fn is_in_a_province(region: u32) -> bool {
    PROVINCES.contains(&(region / 10_000))
}

pub(crate) fn check_character(digits: &[u8]) -> u8 {
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    CHECK_CHARACTERS[(sum % 11) as usize]
}

/// The value of a few ASCII digits.
fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn birth(year: u16, month: u8, day: u8) -> BirthDate {
        BirthDate::new(year, month, day).unwrap()
    }

    #[test]
    fn a_number_of_another_length_is_refused() {
        for text in ["", "37070519880102001", "3707051988010200100", "３７０７０５"] {
            assert_eq!(ResidentNo::parse(text), Err(ResidentNoError::Checksum), "{text}");
        }
    }

    #[test]
    fn a_wrong_check_character_is_refused() {
        for text in ["110105194912310021", "370705198801020011", "37070519880102001x", "37070519880102O010"] {
            assert_eq!(ResidentNo::parse(text), Err(ResidentNoError::Checksum), "{text}");
        }
    }

    #[test]
    fn the_checksum_is_looked_at_before_the_region_and_the_region_before_the_date() {
        let with_check = |digits: &str| format!("{digits}{}", char::from(check_character(digits.as_bytes())));
        assert_eq!(ResidentNo::parse("000000999999990000"), Err(ResidentNoError::Checksum));
        assert_eq!(ResidentNo::parse(&with_check("99000099999999000")), Err(ResidentNoError::Region));
        for date in ["19880230", "20230229", "19881301", "19880100", "00000101"] {
            let text = with_check(&format!("370799{date}001"));
            assert_eq!(ResidentNo::parse(&text), Err(ResidentNoError::Date), "{date}");
        }
    }

    #[test]
    fn a_region_that_is_not_six_digits_or_a_sequence_over_999_makes_no_number() {
        let birth = birth(1988, 1, 2);
        for region in [0, 37_079, 3_707_990, 990_000] {
            assert_eq!(ResidentNo::new(region, birth, 1), Err(ResidentNoError::Region));
        }
        assert_eq!(ResidentNo::new(UNREAL_REGION, birth, 1000), Err(ResidentNoError::Sequence));
    }

    #[test]
    fn the_textbook_numbers_have_their_check_characters() {
        let check = |region, birth, sequence, expected: &str| {
            let number = ResidentNo::new(region, birth, sequence).unwrap();
            assert_eq!(number.as_str(), expected);
            assert_eq!(ResidentNo::parse(expected), Ok(number));
        };
        check(110_105, birth(1949, 12, 31), 2, "11010519491231002X");
        check(370_705, birth(1988, 1, 2), 1, "370705198801020010");
        check(370_703, birth(2015, 6, 1), 2, "370703201506010022");
    }

    #[test]
    fn a_small_x_is_taken_for_a_capital() {
        assert_eq!(ResidentNo::parse("11010519491231002x").unwrap().as_str(), "11010519491231002X");
    }

    #[test]
    fn debug_and_mask_hide_the_number() {
        let number = ResidentNo::parse("11010519491231002X").unwrap();
        assert_eq!(format!("{number:?}"), "ResidentNo(hidden)");
        assert_eq!(number.masked(), "110*************2X");
        assert_eq!(number.masked().len(), LENGTH);
    }

    proptest! {
        #[test]
        fn every_number_made_is_read_back(days in 0i64..40_000, sequence in 0u16..=999) {
            let birth = BirthDate::from_days(days - 15_000).unwrap();
            let number = ResidentNo::new(UNREAL_REGION, birth, sequence).unwrap();
            prop_assert_eq!(ResidentNo::parse(number.as_str()), Ok(number));
            prop_assert_eq!(number.birth(), birth);
            prop_assert_eq!(number.region(), UNREAL_REGION);
            prop_assert_eq!(number.gender() == Gender::Male, sequence % 2 == 1);
        }

        #[test]
        fn one_wrong_digit_is_always_noticed(place in 0usize..17, change in 1u8..10) {
            let mut text = b"11010519491231002X".to_vec();
            text[place] = b'0' + (text[place] - b'0' + change) % 10;
            let text = String::from_utf8(text).unwrap();
            prop_assert_eq!(ResidentNo::parse(&text), Err(ResidentNoError::Checksum));
        }

        #[test]
        fn any_text_is_answered(text in ".*") {
            let _ = ResidentNo::parse(&text);
        }
    }
}
