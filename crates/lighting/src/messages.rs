//! What the roles of street lighting say to each other. `wire` puts these on topics.

use std::sync::Arc;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use types::{CommandId, DAY_MS, LuminaireId, MINUTE_MS, Timestamp};

use crate::{DimLevel, Nights};

/// Which message of a luminaire this is. A reader applies a message only if its `(epoch, seq)` is higher than the
/// last one it applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// Starts of the controller so far.
    pub epoch: u32,
    /// Messages since that start, from 1.
    pub seq: u32,
    /// When it was made, by the luminaire's own clock.
    pub ts: Timestamp,
}

/// Something a luminaire tells, with its place in the order of its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report<T> {
    /// Its place in the order.
    pub stamp: Stamp,
    /// What it tells.
    pub body: T,
}

/// CMS → luminaire: hold a dim level until `until`, or go back to the programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DimCommand {
    /// The same id is obeyed once and acknowledged every time.
    pub id: CommandId,
    /// The level to hold; `None` ends the override.
    pub level: Option<DimLevel>,
    /// When the override ends by itself; `None` = it stays until the next command.
    pub until: Option<Timestamp>,
}

/// Luminaire → CMS: a command was obeyed or refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandAck {
    /// The command this answers.
    pub command: CommandId,
    /// What came of it.
    pub result: AckResult,
    /// Why it failed, in the luminaire's words, at most [`REASON_BYTES_MAX`]; only with [`AckResult::Failed`].
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read_reason")]
    pub reason: Option<Box<str>>,
}

/// The longest reason a luminaire may give \[bytes\].
pub const REASON_BYTES_MAX: usize = 200;

fn read_reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<str>>, D::Error> {
    let reason = Option::<Box<str>>::deserialize(deserializer)?;
    match reason.as_ref().map_or(0, |reason| reason.len()) {
        0..=REASON_BYTES_MAX => Ok(reason),
        length => Err(D::Error::custom(format!("reason of {length} bytes, at most {REASON_BYTES_MAX}"))),
    }
}

/// What came of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AckResult {
    /// It is in effect, or the fade towards it has begun.
    Done,
    /// Its `until` had passed when it arrived.
    Expired,
    /// The luminaire cannot or will not obey.
    Failed,
}

/// Why a luminaire has the target it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// No programme yet: the factory default, off.
    #[default]
    Default,
    /// The calendar's programme.
    Programme,
    /// A command that has not expired.
    Override,
    /// Presence nearby raised it above the programme.
    Sensor,
}

/// The three levels of one luminaire: what it should do, what its controller is doing, what its lamp gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LightState {
    /// What programme, override or sensor ask for.
    pub target: DimLevel,
    /// What the controller drives now; on the way to `target` while it fades.
    pub in_effect: DimLevel,
    /// What the lamp really gives, as measured by its power.
    pub actual: DimLevel,
    /// Why `target` is what it is.
    pub mode: Mode,
}

/// Electrical readings of one luminaire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telemetry {
    /// Active power \[mW\].
    pub power_mw: u32,
    /// Supply voltage \[mV\].
    pub voltage_mv: u32,
    /// Meter reading \[mWh\], only ever growing, also across restarts.
    pub energy_mwh: u64,
    /// Time with light \[s\].
    pub burning_s: u64,
    /// Switch-ons so far.
    pub switch_count: u32,
    /// What the controller drives while these were read.
    pub in_effect: DimLevel,
    /// Current \[mA\]; 0 = none, or not measured.
    #[serde(default)]
    pub current_ma: u32,
    /// Power factor \[‰\], at most 1,000; 0 = not measured.
    #[serde(default)]
    pub power_factor_pm: u16,
    /// Luminous flux as the controller reckons it from level, age and dirt \[lm\]; 0 = none, or not reckoned.
    #[serde(default)]
    pub flux_lm: u32,
    /// What its control gear says of itself; `None` = nothing out of the ordinary, ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gear: Option<Gear>,
}

impl Telemetry {
    /// Apparent power \[mVA\]: voltage times current.
    pub fn apparent_mva(&self) -> u64 {
        u64::from(self.voltage_mv) * u64::from(self.current_ma) / 1_000
    }
}

/// Diagnostics of a control gear (driver), after those of DALI-2 part 253.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gear {
    /// Its temperature \[°C\].
    pub temperature_c: i16,
    /// The highest output it allows itself, being hot \[%\]: 100 = cool enough for everything, 0 = it has shut down.
    pub limit: DimLevel,
    /// Whether it answers its controller.
    pub answers: bool,
    /// How often it began to give less light because it was hot.
    pub derating_count: u16,
    /// How often it shut down because it was hot.
    pub shutdown_count: u16,
}

/// CMS → luminaire, retained: when to give how much light, every day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Programme {
    /// Grows with every change; a luminaire ignores a lower one than it has.
    pub version: u32,
    /// In the order they take effect from one local noon to the next. Shared by all who hold a copy: a city has few
    /// programmes and many luminaires.
    #[serde(with = "shared")]
    pub steps: Arc<[ProgrammeStep]>,
    /// Level while someone is near and the programme gives light; `None` = presence does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence_level: Option<DimLevel>,
    /// Nights that are unlike the others; of those that fit a night the first counts. With them a luminaire keeps its
    /// calendar also if it does not hear of its CMS for long.
    #[serde(default, skip_serializing_if = "Nights::is_empty")]
    pub nights: Nights,
}

/// A shared list as bytes: the same as any other list.
pub(crate) mod shared {
    use super::{Arc, Deserialize, Deserializer, ProgrammeStep, Serializer};

    pub(crate) fn serialize<S: Serializer>(steps: &Arc<[ProgrammeStep]>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(steps.iter())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<[ProgrammeStep]>, D::Error> {
        Vec::deserialize(from).map(Arc::from)
    }
}

/// From this time of day on, this level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgrammeStep {
    /// When it takes effect.
    pub at: StepTime,
    /// The level from then on.
    pub level: DimLevel,
}

/// A time of day \[min\].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepTime {
    /// Minutes after local midnight, `0..1440`.
    Clock(#[serde(deserialize_with = "read_time_of_day")] u16),
    /// Minutes after (before, if negative) sunset at the luminaire.
    Sunset(i16),
    /// Minutes after (before, if negative) sunrise at the luminaire.
    Sunrise(i16),
    /// The earlier of a time of day and a moment of the sun.
    Earlier(ClockAndSun),
    /// The later of the two.
    Later(ClockAndSun),
}

/// A time of day and a moment of the sun, of which one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockAndSun {
    /// Minutes after local midnight, `0..1440`.
    #[serde(deserialize_with = "read_time_of_day")]
    pub clock: u16,
    /// Sunset or sunrise, and minutes after it.
    #[serde(flatten)]
    pub sun: SunTime,
}

/// A moment of the sun at the luminaire \[min\].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SunTime {
    /// Minutes after (before, if negative) sunset.
    Sunset(i16),
    /// Minutes after (before, if negative) sunrise.
    Sunrise(i16),
}

fn read_time_of_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let minutes = u16::deserialize(deserializer)?;
    if i64::from(minutes) * MINUTE_MS < DAY_MS {
        return Ok(minutes);
    }
    Err(D::Error::custom(format!("minute {minutes} of a day of 1440")))
}

/// Operator → CMS: override one luminaire, or end the override.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimRequest {
    /// Which luminaire.
    pub luminaire: LuminaireId,
    /// The level to hold; `None` = back to the programme.
    pub level: Option<DimLevel>,
    /// For how long \[min of the city's clock\]; `None` = until changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
}

/// CMS → operator: where a command stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandReport {
    /// The command.
    pub command: CommandId,
    /// The luminaire it went to.
    pub luminaire: LuminaireId,
    /// Where it stands.
    pub status: CommandStatus,
    /// Why it ended like this, if there is more to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Box<str>>,
}

/// The life of a command: pending → sent → delivered → successful, or one of the other ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandStatus {
    /// Waits for its turn in the command of a group.
    Pending,
    /// On its way.
    Sent,
    /// The luminaire acknowledged it; its state does not show it yet.
    Delivered,
    /// The luminaire obeyed, and its state showed it.
    Successful,
    /// The luminaire refused.
    Failed,
    /// Its time was over before it could take effect.
    Expired,
    /// No answer, after a resend; or an answer, and no effect.
    Timeout,
}

impl CommandStatus {
    /// Whether nothing more will come.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Sent | Self::Delivered)
    }
}
