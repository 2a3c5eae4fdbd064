//! Which doing of a caller a message belongs to, from process to process: a trace, as W3C Trace Context has it.

use std::fmt;

use uuid::Uuid;

/// The name of the user property (MQTT 5.0, 3.3.2.3.7) that carries a trace.
pub(crate) const PROPERTY: &str = "traceparent";

/// A trace, and the step of it that a message is.
///
/// Source: W3C Trace Context, 3.2: `00-{trace}-{parent}-{flags}` in lower-case hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    /// The same for all that comes of one question; never 0.
    id: u128,
    /// Another one for each message; never 0.
    step: u64,
}

impl Trace {
    /// A trace that begins here.
    pub(crate) fn begin() -> Self {
        // Version and variant of a UUID are never 0.
        Self { id: Uuid::new_v4().as_u128(), step: Self::step() }
    }

    /// The same trace, one step on.
    pub(crate) fn next(self) -> Self {
        Self { step: Self::step(), ..self }
    }

    fn step() -> u64 {
        Uuid::new_v4().as_u64_pair().0
    }

    /// What all steps of this trace have in common, for logs.
    pub(crate) fn id(self) -> String {
        format!("{:032x}", self.id)
    }

    /// Reads a `traceparent`; `None` for what is none. Of versions to come, only what this one has is read.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('-');
        let (version, id, step, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let more = fields.next().is_some();
        let is_known = hex(version, 2)? != 0xff && hex(flags, 2).is_some() && (version != "00" || !more);
        let (id, step) = (hex(id, 32)?, u64::try_from(hex(step, 16)?).ok()?);
        (is_known && id != 0 && step != 0).then_some(Self { id, step })
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-01", self.id, self.step)
    }
}

/// A number of exactly so many lower-case hex digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let whole = text.len() == digits && text.bytes().all(is_hex);
    whole.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_traceparent_is_not_read() {
        for text in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(Trace::parse(text), None, "{text}");
        }
        let later = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-will-say";
        assert_eq!(Trace::parse(later).unwrap().id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
    }

    #[test]
    fn each_step_has_a_number_of_its_own_and_is_read_back() {
        let first = Trace::begin();
        let next = first.next();
        assert!(first != next && first.id == next.id);
        assert_eq!(Trace::parse(&next.to_string()), Some(next));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            let _ = Trace::parse(&text);
        }
    }
}
