use std::collections::BTreeMap;

use serde::Deserialize;
use types::Fen;

use super::file::BookFile;
use super::{Care, Insured, Policy, PolicyError};
use crate::day::Day;
use crate::fingerprint::fingerprint;
use crate::messages::Category;

/// Policies of one payer, at most.
const POLICIES_MAX: usize = 100;

/// All policies of a payer, in all their editions, and the items they know.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BookFile")]
pub struct Policies {
    list: Vec<Policy>,
    /// The names of the policies, in the order in which they are first mentioned: a plan is its place here.
    plans: Vec<String>,
    /// What can be billed, and as which category; `None` = whatever a provider calls it.
    items: Option<BTreeMap<String, Category>>,
    limits: Limits,
}

/// What one beneficiary may pay; none = as much as they like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// What the bills of a day may come to \[fen\].
    #[serde(default)]
    pub day: Option<Fen>,
    /// How many bills may be paid within an hour.
    #[serde(default)]
    pub per_hour: Option<u32>,
}

/// Why policies cannot be used together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoliciesError {
    /// One of them makes no sense by itself.
    #[error("policy `{id}`")]
    Policy {
        /// Which.
        id: String,
        /// Why not.
        source: PolicyError,
    },
    /// There is none, or too many.
    #[error("{0} policies, must be 1 to {POLICIES_MAX}")]
    Size(usize),
    /// An edition is there twice.
    #[error("policy `{id}`: version {version} is there twice")]
    Twice {
        /// Which policy.
        id: String,
        /// Which edition.
        version: u32,
    },
    /// Two policies claim the same people, care and days.
    #[error("policies `{one}` and `{other}` are both for {care:?} care of {insured:?} on {day}")]
    Overlap {
        /// The first.
        one: String,
        /// The second.
        other: String,
        /// Whose.
        insured: Insured,
        /// Of what.
        care: Care,
        /// The first day both claim.
        day: Day,
    },
    /// A ratio is given in both forms, or in none.
    #[error("policy `{0}`: `ratio_bp` needs either `by_level` or `tiers`")]
    RatioForm(String),
}

impl Policies {
    /// Policies to be used together.
    ///
    /// # Errors
    ///
    /// [`PoliciesError`] with the first thing that makes no sense.
    pub fn new(list: Vec<Policy>, items: Option<BTreeMap<String, Category>>) -> Result<Self, PoliciesError> {
        if list.is_empty() || list.len() > POLICIES_MAX {
            return Err(PoliciesError::Size(list.len()));
        }
        let mut plans: Vec<String> = Vec::new();
        for policy in &list {
            if !plans.contains(&policy.id) {
                plans.push(policy.id.clone());
            }
        }
        let policies = Self { list, plans, items, limits: Limits::default() };
        policies.check()?;
        Ok(policies)
    }

    /// Whether their numbers make sense, each alone and all together.
    ///
    /// # Errors
    ///
    /// [`PoliciesError`] with the first thing that does not.
    pub fn check(&self) -> Result<(), PoliciesError> {
        for (place, policy) in self.list.iter().enumerate() {
            let id = || policy.id.clone();
            policy.check().map_err(|source| PoliciesError::Policy { id: id(), source })?;
            self.list[..place].iter().try_for_each(|earlier| together(earlier, policy))?;
        }
        Ok(())
    }

    /// The policy for somebody's care on a day, in its newest edition, and the number of its plan.
    pub fn choose(&self, insured: Insured, care: Care, day: Day) -> Option<(u8, &Policy)> {
        let policy = self
            .list
            .iter()
            .filter(|policy| policy.care == care && policy.insured.contains(&insured))
            .filter(|policy| (policy.valid.0..=policy.valid.1).contains(&day))
            .max_by_key(|policy| policy.version)?;
        let plan = self.plans.iter().position(|id| *id == policy.id)?;
        Some((u8::try_from(plan).expect("there are at most a hundred"), policy))
    }

    /// The policy that was in force under this name, such as `emp_outpatient_demo@1`.
    pub(crate) fn edition(&self, name: &str) -> Option<&Policy> {
        let (id, version) = name.rsplit_once('@')?;
        let version: u32 = version.parse().ok()?;
        self.list.iter().find(|policy| policy.id == id && policy.version == version)
    }

    /// The same policies with these limits.
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// What tells these policies from others: their editions, and a hash of every number in them.
    pub fn fingerprint(&self) -> String {
        let editions: Vec<String> =
            self.list.iter().map(|policy| format!("{}@{}", policy.id, policy.version)).collect();
        format!("{} {:032x}", editions.join(" "), fingerprint(self))
    }

    /// What one beneficiary may pay.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// All of them.
    pub fn all(&self) -> &[Policy] {
        &self.list
    }

    /// Whether an item can be billed as this category.
    pub fn knows(&self, item: &str, category: Category) -> bool {
        self.items.as_ref().is_none_or(|items| items.get(item) == Some(&category))
    }
}

/// Whether both can be in force. Editions of one policy may overlap: the newer one counts.
fn together(one: &Policy, other: &Policy) -> Result<(), PoliciesError> {
    if one.id == other.id {
        let (id, version) = (one.id.clone(), one.version);
        let twice = version == other.version;
        return if twice { Err(PoliciesError::Twice { id, version }) } else { Ok(()) };
    }
    let day = one.valid.0.max(other.valid.0);
    let shared = one.insured.iter().find(|insured| other.insured.contains(insured));
    match shared {
        Some(&insured) if one.care == other.care && day <= one.valid.1.min(other.valid.1) => {
            let (one, care, other) = (one.id.clone(), one.care, other.id.clone());
            Err(PoliciesError::Overlap { one, other, insured, care, day })
        }
        _ => Ok(()),
    }
}

/// One policy alone. It is not checked.
impl From<Policy> for Policies {
    fn from(policy: Policy) -> Self {
        Self { plans: vec![policy.id.clone()], list: vec![policy], items: None, limits: Limits::default() }
    }
}
