//! A policy as its file is laid out.

use std::collections::BTreeMap;

use serde::Deserialize;
use types::Fen;

use super::{
    ByLevel, Care, Insured, Limits, Period, Policies, PoliciesError, Policy, RoundingRules, Supplement, Tier,
    WHOLE_BP,
};
use crate::day::Day;
use crate::messages::Category;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BookFile {
    policy: Vec<PolicyFile>,
    #[serde(default)]
    items: Option<BTreeMap<String, Category>>,
    #[serde(default)]
    limits: Limits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    id: String,
    version: u32,
    valid: (Day, Day),
    insured: Vec<Insured>,
    care: Care,
    presettlement_validity_s: u32,
    rounding: RoundingRules,
    deductible: Deductible,
    ratio_bp: Ratio,
    cap: Cap,
    #[serde(default)]
    supplement: Option<Supplement>,
    account: PersonalAccount,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deductible {
    per: Period,
    by_level: ByLevel<Fen>,
    #[serde(default = "whole")]
    later_admission_bp: u16,
}

fn whole() -> u16 {
    WHOLE_BP
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ratio {
    #[serde(default)]
    by_level: Option<ByLevel<u16>>,
    #[serde(default)]
    tiers: Vec<Tier>,
    retired_add: u16,
    cross_region_sub: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cap {
    year: Fen,
    #[serde(default)]
    retired: Option<Fen>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonalAccount {
    usable: bool,
    family: bool,
}

impl TryFrom<PolicyFile> for Policy {
    type Error = PoliciesError;

    fn try_from(file: PolicyFile) -> Result<Self, PoliciesError> {
        let ratio = file.ratio_bp;
        if ratio.by_level.is_some() != ratio.tiers.is_empty() {
            return Err(PoliciesError::RatioForm(file.id));
        }
        Ok(Self {
            id: file.id,
            version: file.version,
            valid: file.valid,
            insured: file.insured,
            care: file.care,
            rounding: file.rounding,
            deductible: file.deductible.by_level,
            deductible_per: file.deductible.per,
            later_admission_bp: file.deductible.later_admission_bp,
            ratio_bp: ratio.by_level.unwrap_or_else(|| ByLevel::all_at(0)),
            tiers: ratio.tiers,
            retired_add_bp: ratio.retired_add,
            cross_region_sub_bp: ratio.cross_region_sub,
            cap: file.cap.year,
            cap_retired: file.cap.retired.unwrap_or(file.cap.year),
            supplement: file.supplement,
            account_usable: file.account.usable,
            family_usable: file.account.family,
            presettlement_validity_s: file.presettlement_validity_s,
        })
    }
}

impl TryFrom<BookFile> for Policies {
    type Error = PoliciesError;

    fn try_from(file: BookFile) -> Result<Self, PoliciesError> {
        let list = file.policy.into_iter().map(Policy::try_from).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(list, file.items)?.limited(file.limits))
    }
}
