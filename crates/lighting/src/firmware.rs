//! What is said about a luminaire's firmware, and about a campaign that updates many.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use types::{CommandId, GroupId};

/// The version of a luminaire's firmware, such as `1.4.2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FirmwareVersion(pub u16, pub u16, pub u16);

/// A text that is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no version like `1.4.2`")]
pub struct FirmwareVersionError(String);

impl FirmwareVersion {
    /// What luminaires are delivered with.
    pub const DELIVERED: Self = Self(1, 0, 0);
}

impl FromStr for FirmwareVersion {
    type Err = FirmwareVersionError;

    /// Accepts exactly what `Display` writes.
    fn from_str(text: &str) -> Result<Self, FirmwareVersionError> {
        let mut parts = text.split('.').map(|part| part.parse().ok());
        let version = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Some(major)), Some(Some(minor)), Some(Some(patch)), None) => {
                Some(Self(major, minor, patch))
            }
            _ => None,
        };
        version
            .filter(|version| version.to_string() == text)
            .ok_or_else(|| FirmwareVersionError(text.to_owned()))
    }
}

impl TryFrom<String> for FirmwareVersion {
    type Error = FirmwareVersionError;

    fn try_from(text: String) -> Result<Self, FirmwareVersionError> {
        text.parse()
    }
}

impl From<FirmwareVersion> for String {
    fn from(version: FirmwareVersion) -> Self {
        version.to_string()
    }
}

impl fmt::Display for FirmwareVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// A firmware image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirmwareImage {
    /// What a luminaire runs after it.
    pub version: FirmwareVersion,
    /// Its size \[bytes\].
    pub bytes: u32,
    /// Whether its hardware gives no light while it installs and starts: it is updated only by day.
    pub goes_dark: bool,
}

/// CMS → luminaire: change the firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirmwareOrder {
    /// The same id is obeyed once.
    pub id: CommandId,
    /// What to do.
    pub action: FirmwareAction,
}

/// What to do with the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirmwareAction {
    /// Download, verify and install an image, and start it.
    Install(FirmwareImage),
    /// Start the firmware before this one again.
    RollBack,
}

/// How far an update is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirmwarePhase {
    /// Nothing is going on.
    #[default]
    Idle,
    /// The image comes.
    Downloading,
    /// Its checksum and signature are looked at.
    Verifying,
    /// It is written.
    Installing,
    /// The controller starts again.
    Rebooting,
}

/// What came of an update; as numbers those of `$ota` in Huawei IoTDA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum UpdateResult {
    /// It runs.
    Done,
    /// Another update is going on.
    Busy,
    /// It ran already.
    AlreadyLatest,
    /// The image did not come in time.
    DownloadTimeout,
    /// Checksum or signature are wrong.
    VerificationFailed,
    /// There is nothing of this kind to do, such as no firmware to go back to.
    Unsupported,
    /// It could not be written.
    InstallFailed,
    /// Anything else.
    Internal,
}

impl UpdateResult {
    /// All of them, with their numbers.
    pub const ALL: [(u8, Self); 8] = [
        (0, Self::Done),
        (1, Self::Busy),
        (3, Self::AlreadyLatest),
        (6, Self::DownloadTimeout),
        (7, Self::VerificationFailed),
        (8, Self::Unsupported),
        (10, Self::InstallFailed),
        (255, Self::Internal),
    ];
}

impl TryFrom<u8> for UpdateResult {
    type Error = String;

    fn try_from(code: u8) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|(known, _)| *known == code);
        known.map(|(_, result)| *result).ok_or_else(|| format!("{code} is no result of an update"))
    }
}

impl From<UpdateResult> for u8 {
    fn from(result: UpdateResult) -> Self {
        UpdateResult::ALL.iter().find(|(_, known)| *known == result).map_or(255, |(code, _)| *code)
    }
}

/// A luminaire tells about its firmware, retained. One that was never updated says nothing, and runs
/// [`FirmwareVersion::DELIVERED`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirmwareState {
    /// What it runs.
    pub version: FirmwareVersion,
    /// How far the update is.
    pub phase: FirmwarePhase,
    /// The order that it answers.
    pub order: CommandId,
    /// What came of it, once it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<UpdateResult>,
}

/// Operator → CMS: update the firmware of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignRequest {
    /// Which luminaires.
    pub group: GroupId,
    /// What they shall run.
    pub image: FirmwareImage,
    /// How many try it first \[%\], `1..=100`, at least one.
    pub canary_percent: u8,
    /// How many follow at a time, over 0.
    pub wave: u32,
    /// The campaign halts when more of those begun have failed \[%\], below 100.
    pub failed_percent_max: u8,
}

/// CMS → operator: how far a campaign is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignReply {
    /// It is not over yet.
    Running(CampaignReport),
    /// It came to its end, with few enough failures.
    Finished(CampaignReport),
    /// Too many failed: it was stopped, and who was updated is back at the firmware before, as far as that worked.
    Halted(CampaignReport),
    /// There will be none.
    Refused {
        /// For which group.
        group: GroupId,
        /// Why not.
        reason: CampaignRefusal,
    },
}

/// Why there is no campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignRefusal {
    /// The group is not in the register.
    UnknownGroup,
    /// Another campaign is running.
    CampaignRunning,
    /// A percentage or the size of a wave is out of range.
    ImpossiblePlan,
}

/// How many luminaires of a campaign are how far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignReport {
    /// The campaign; also the id of the order to each luminaire.
    pub campaign: CommandId,
    /// Which group.
    pub group: GroupId,
    /// What they shall run.
    pub version: FirmwareVersion,
    /// How many luminaires are in the group: the sum of the table.
    pub luminaires: u32,
    /// How many are how far.
    #[serde(flatten)]
    pub table: CampaignTable,
}

/// Luminaires of a campaign by where they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignTable {
    /// Wait for their wave.
    pub waiting: u32,
    /// Are being updated.
    pub updating: u32,
    /// Run the new firmware.
    pub updated: u32,
    /// Refused the image or could not install it, and run what they ran before.
    pub failed: u32,
    /// Did not say in time what came of it.
    pub hung: u32,
    /// Are on their way back.
    pub rolling_back: u32,
    /// Are back at the firmware before.
    pub rolled_back: u32,
    /// Did not come back to the firmware before.
    pub stuck: u32,
    /// Were offline, lit by day, or ran it already when their turn came.
    pub left_out: u32,
    /// Were not begun, because the campaign was halted.
    pub not_begun: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_three_numbers_and_one_spelling() {
        for text in ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "1.2.65536", "v1.2.3"] {
            assert!(text.parse::<FirmwareVersion>().is_err(), "{text}");
        }
        assert_eq!("1.10.0".parse(), Ok(FirmwareVersion(1, 10, 0)));
        assert!(FirmwareVersion(1, 10, 0) > FirmwareVersion(1, 9, 9));
    }

    #[test]
    fn results_are_the_numbers_of_the_protocol() {
        assert!(UpdateResult::try_from(2).is_err());
        assert_eq!(UpdateResult::try_from(7), Ok(UpdateResult::VerificationFailed));
        for (code, result) in UpdateResult::ALL {
            assert_eq!(u8::from(result), code);
        }
    }
}
