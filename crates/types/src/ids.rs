use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A numbered id with the wrong prefix, too few digits, or a number that does not fit.
    #[error("`{text}` is not an id like `{example}`")]
    Numbered {
        /// What was given.
        text: String,
        /// What one looks like.
        example: &'static str,
    },
    /// A slug that is empty, too long, or has other characters.
    #[error("`{0}` is not 1 to 15 characters of a-z, 0-9 and `-`")]
    Slug(String),
    /// A command id that is empty, too long, or not printable ASCII.
    #[error("a command id is 1 to 64 printable ASCII characters, got {0} bytes")]
    Command(usize),
    /// A group's name with another form.
    #[error(
        "`{0}` is no group: one is like `all`, `district:kuiwen`, `street:12`, `class:branch`, `cabinet:c-0012`, `circuit:c-0012:1` or `list:NAME`, at most 32 of a-z, 0-9, `-` and `:`"
    )]
    Group(String),
}

/// Serializes an id as its text, so that it reads the same on a topic, in a payload and in a log.
macro_rules! serde_as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                std::borrow::Cow::<'de, str>::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

/// A dense number within one city, written with a prefix and at least four digits.
macro_rules! numbered_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{:04}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Accepts exactly what `Display` writes, so that one thing has one name on the bus.
            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix($prefix)
                    .and_then(|digits| digits.parse().ok())
                    .map(Self)
                    .filter(|id| id.to_string() == text)
                    .ok_or_else(|| IdError::Numbered { text: text.to_owned(), example: $example })
            }
        }

        serde_as_text!($name);
    };
}

numbered_id!(
    /// One luminaire with its controller.
    LuminaireId, "l-", "l-0412"
);
numbered_id!(
    /// One cabinet (feeder pillar).
    CabinetId, "c-", "c-0012"
);
numbered_id!(
    /// One synthetic resident, as a pseudonym: it never is or contains a resident number.
    ResidentId, "r-", "r-0042"
);
numbered_id!(
    /// One provider of medical care: a clinic, hospital or pharmacy.
    ProviderId, "h-", "h-0003"
);
numbered_id!(
    /// One payment terminal that may work without a connection.
    TerminalId, "t-", "t-0001"
);

/// A short name made for topics: 1 to 15 characters of `a-z`, `0-9` and `-`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug {
    bytes: [u8; 15],
    len: u8,
}

impl Slug {
    /// The name.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("only ASCII was let in")
    }

    /// The bytes of the name, which are ASCII.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl FromStr for Slug {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.is_empty() || text.len() > 15 || !text.bytes().all(allowed) {
            return Err(IdError::Slug(text.to_owned()));
        }
        let mut bytes = [0; 15];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { bytes, len: text.len() as u8 })
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

serde_as_text!(Slug);

macro_rules! slug_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Slug);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.parse().map(Self)
            }
        }
    };
}

slug_id!(
    /// A district of the city, such as `kuiwen`.
    DistrictId
);
slug_id!(
    /// One run of a city; keeps two cities apart on one broker.
    RunId
);
slug_id!(
    /// A registered verifier of e-IDs, such as `clinic-desk`.
    VerifierId
);

/// A sender's name for one command; the same id means the same command.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(Box<str>);

impl CommandId {
    /// The id as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CommandId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.is_empty() || text.len() > 64 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(IdError::Command(text.len()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(CommandId);

/// A group of luminaires, such as `district:kuiwen`: 1 to 32 of `a-z`, `0-9`, `-` and `:`, beginning with a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(Box<str>);

impl FromStr for GroupId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-:".contains(&byte);
        let begins = text.starts_with(|first: char| first.is_ascii_lowercase());
        // What reads as a luminaire must not be a group too.
        if !begins || text.len() > 32 || !text.bytes().all(allowed) || text.starts_with("l-") {
            return Err(IdError::Group(text.to_owned()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(GroupId);

/// One bill of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BillId(pub Uuid);

impl fmt::Display for BillId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_spelling_of_an_id_is_refused() {
        for text in ["l-412", "l-00412", "L-0412", "l-+412", "l-", "", "c-0412", "l-99999999999"] {
            assert!(text.parse::<LuminaireId>().is_err(), "{text}");
        }
        assert_eq!("l-0412".parse(), Ok(LuminaireId(412)));
        assert_eq!("l-123456".parse(), Ok(LuminaireId(123_456)));
    }

    #[test]
    fn a_slug_with_topic_syntax_is_refused() {
        for text in ["", "a/b", "+", "#", "Kuiwen", "a b", "sixteen-letters-"] {
            assert!(text.parse::<Slug>().is_err(), "{text}");
        }
        assert_eq!("kuiwen".parse::<Slug>().map(|slug| slug.to_string()), Ok("kuiwen".to_owned()));
    }

    #[test]
    fn a_group_with_topic_syntax_or_the_form_of_a_luminaire_is_refused() {
        let long = "a".repeat(33);
        for text in ["", "district/kuiwen", "district:+", "7", ":x", "All", "l-0007", &long] {
            assert!(text.parse::<GroupId>().is_err(), "{text}");
        }
        for text in ["all", "district:kuiwen", "circuit:c-0012:1", "list:festival-lights"] {
            assert_eq!(text.parse::<GroupId>().map(|group| group.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn ids_are_text_in_json() {
        let json = serde_json::to_string(&(LuminaireId(7), CommandId::from_str("x1").unwrap())).unwrap();
        assert_eq!(json, r#"["l-0007","x1"]"#);
        assert_eq!(serde_json::from_str::<(LuminaireId, CommandId)>(&json).unwrap().0, LuminaireId(7));
    }
}
