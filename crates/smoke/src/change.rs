//! Changes to an example: some break its form, others keep it and put something awkward into it.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What readers trip over: the edges of numbers, other types, empty and foreign texts.
const AWKWARD: [&str; 20] = [
    "",
    "0",
    "-0",
    "-1",
    "1",
    "255",
    "65536",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "1e308",
    "-1e-7",
    "nan",
    "null",
    "true",
    "[]",
    "{}",
    "\"光\"",
    "\u{feff}",
];

/// One change.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Everything replaced.
    All(Vec<u8>),
    /// A piece replaced by these bytes.
    Piece(Index, Index, Vec<u8>),
    /// A piece replaced by the rest of another example.
    Cross(Index, Index, Index),
    /// A word replaced by something awkward.
    Awkward(Index, &'static str),
    /// A word replaced by one of another example.
    Word(Index, Index, Index),
    /// A piece said once more.
    Twice(Index, Index),
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    let bytes = |max| vec(any::<u8>(), 0..max);
    prop_oneof![
        1 => bytes(600).prop_map(Change::All),
        3 => (index(), index(), bytes(8)).prop_map(|(from, to, bytes)| Change::Piece(from, to, bytes)),
        2 => (index(), index(), index()).prop_map(|(from, to, other)| Change::Cross(from, to, other)),
        6 => (index(), select(&AWKWARD[..])).prop_map(|(word, with)| Change::Awkward(word, with)),
        4 => (index(), index(), index()).prop_map(|(word, other, with)| Change::Word(word, other, with)),
        1 => (index(), index()).prop_map(|(from, to)| Change::Twice(from, to)),
    ]
}

impl Change {
    pub(crate) fn apply(&self, mut bytes: Vec<u8>, corpus: &[Vec<u8>]) -> Vec<u8> {
        let (place, with) = match self {
            Self::All(with) => (0..bytes.len(), with.clone()),
            Self::Piece(from, to, with) => (piece(&bytes, *from, *to), with.clone()),
            Self::Cross(from, to, other) => {
                let other = other.get(corpus);
                (piece(&bytes, *from, *to), other[from.index(other.len() + 1)..].to_vec())
            }
            Self::Awkward(which, with) => (word(&bytes, *which), with.as_bytes().to_vec()),
            Self::Word(which, other, with) => {
                let other = other.get(corpus);
                (word(&bytes, *which), other[word(other, *with)].to_vec())
            }
            Self::Twice(from, to) => {
                let piece = piece(&bytes, *from, *to);
                (piece.end..piece.end, bytes[piece].to_vec())
            }
        };
        bytes.splice(place, with);
        bytes
    }
}

fn piece(bytes: &[u8], from: Index, to: Index) -> Range<usize> {
    let (a, b) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
    a.min(b)..a.max(b)
}

/// Where one of the words is; at the end if there is none. Texts in quotes count with and without them.
fn word(bytes: &[u8], which: Index) -> Range<usize> {
    let words = words(bytes);
    let word = if words.is_empty() { bytes.len()..bytes.len() } else { which.get(&words).clone() };
    let quoted = word.start > 0 && bytes[word.start - 1] == b'"' && bytes.get(word.end) == Some(&b'"');
    if quoted && which.index(2) == 1 { word.start - 1..word.end + 1 } else { word }
}

fn words(bytes: &[u8]) -> Vec<Range<usize>> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) || !byte.is_ascii();
    let mut at = 0;
    let runs = bytes.chunk_by(|&a, &b| is_part(a) == is_part(b)).map(|run| {
        at += run.len();
        at - run.len()..at
    });
    runs.filter(|run| is_part(bytes[run.start])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_names_and_numbers_without_what_stands_around_them() {
        let text = br#"{"level":-1.5,"lamp":"l-0001"}"#;
        let words: Vec<&[u8]> = words(text).into_iter().map(|word| &text[word]).collect();
        assert_eq!(words, [&b"level"[..], b"-1.5", b"lamp", b"l-0001"]);
    }

    proptest! {
        #[test]
        fn every_change_fits_every_text(change in change(), bytes in vec(any::<u8>(), 0..20)) {
            let corpus = [bytes.clone(), Vec::new()];
            let _ = change.apply(bytes, &corpus);
            let _ = change.apply(Vec::new(), &corpus);
        }
    }
}
