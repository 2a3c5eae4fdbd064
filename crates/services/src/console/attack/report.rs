//! What is told of an attack. The page has the words, in both languages.

use eid::{Refusal, RefusalReason, Verdict, advice};
use serde::Serialize;
use serde_json::{Value, json};

/// What an attack came to.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// What was done, in order.
    pub(super) steps: Vec<Step>,
    /// How it ended.
    pub(super) end: End,
    /// What was put back, and what stays as it is.
    pub(super) after: Vec<Step>,
}

/// One thing that was done or happened.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    /// Its name in the page's dictionary.
    pub(super) what: &'static str,
    /// What the words are filled with.
    pub(super) facts: Value,
}

/// How an attack ended.
#[derive(Debug, Serialize)]
pub(crate) struct End {
    kind: Kind,
    /// The role that answered.
    by: &'static str,
    /// The exact code.
    code: String,
    facts: Value,
    /// What the role's own advice is, if it has any.
    #[serde(flatten)]
    advice: Option<Words>,
}

/// The ways to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Somebody said no.
    Refused,
    /// Somebody noticed, and told.
    Noticed,
    /// Nothing was lost.
    Outlived,
    /// The attacker got what they wanted. This should never be seen.
    Succeeded,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Words {
    title_en: &'static str,
    title_zh: &'static str,
    advice_en: &'static str,
    advice_zh: &'static str,
}

impl End {
    pub(super) fn refused(by: &'static str, code: impl Into<String>, facts: Value) -> Self {
        Self { kind: Kind::Refused, by, code: code.into(), facts, advice: None }
    }

    pub(super) fn noticed(by: &'static str, code: impl Into<String>, facts: Value) -> Self {
        Self { kind: Kind::Noticed, ..Self::refused(by, code, facts) }
    }

    pub(super) fn outlived(by: &'static str, code: &str, facts: Value) -> Self {
        Self { kind: Kind::Outlived, ..Self::refused(by, code, facts) }
    }

    /// Its exact code.
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// What went through although it must not.
    pub(super) fn succeeded(by: &'static str, facts: Value) -> Self {
        Self { kind: Kind::Succeeded, ..Self::refused(by, "accepted", facts) }
    }
}

/// The verifier's word about a code that it must not take.
impl From<Verdict> for End {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Accepted { resident, .. } => {
                Self::succeeded("verifier", json!({ "resident": resident }))
            }
            Verdict::Refused(Refusal { reason, first_seen, .. }) => {
                let facts = json!({ "first_seen_ms": first_seen });
                let advice = advice::of(reason);
                let words = Words {
                    title_en: advice.title_en,
                    title_zh: advice.title_zh,
                    advice_en: advice.advice_en,
                    advice_zh: advice.advice_zh,
                };
                Self { advice: Some(words), ..Self::refused("verifier", code_of(reason), facts) }
            }
        }
    }
}

/// A reason as it is on the bus.
pub(super) fn code_of(reason: RefusalReason) -> String {
    let code = serde_json::to_value(reason).ok();
    code.as_ref().and_then(Value::as_str).expect("a reason is a word").to_owned()
}
