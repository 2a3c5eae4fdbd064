//! What a luminaire's readings say about what is broken.

use types::{SECOND_MS, Timestamp};

use super::Asset;
use crate::{AlarmChange, AlarmKind, DimLevel, Report, Telemetry};

/// Consecutive reports that must agree before an alarm is raised.
const REPORTS_MIN: u8 = 2;
/// How long they must agree \[s\]: longer than a cycling lamp stays dark, shorter than two reports of a disagreement.
const AGREE_MIN_S: u32 = 50;
/// How far the power may be from what the level should draw \[% of rated power\].
const POWER_TOLERANCE_PERCENT: u64 = 10;
/// Turns of a driven lamp within [`CYCLING_WITHIN_S`] that make it cycling.
const TURNS_MAX: u8 = 5;
/// See [`TURNS_MAX`] \[s\].
const CYCLING_WITHIN_S: u32 = 10 * 60;
/// How long an energy reading may stand still while power is drawn \[s\].
const STANDSTILL_MAX_S: u32 = 20 * 60;
/// How much two offsets of one wrong clock may differ \[s\]: more, and the reports were only late.
const OFFSET_AGREES_S: u32 = 30;

/// Watches the readings of one luminaire. There is one for each, so it is kept small: seconds in 32 bits, and of the
/// energy only as much as tells one reading from the next.
#[derive(Debug, Default)]
pub(super) struct Judge {
    raised: Alarms,
    /// What the last readings showed, how many of them in a row, and since when.
    symptom: Option<(AlarmKind, u8)>,
    symptom_since_s: u32,
    /// The power at which the dimming is stuck \[mW\].
    stuck_mw: u32,
    /// Whether the driven lamp drew power at last.
    load: Option<bool>,
    /// How often that turned since then.
    turns: u8,
    turns_since_s: u32,
    turned_s: u32,
    energy: u32,
    energy_since_s: u32,
    /// How far the clock was off at last, if it was too far; else 0.
    offset_s: i32,
}

/// A change, and of what.
pub(super) type Change = (AlarmKind, AlarmChange);

/// A set of alarms.
#[derive(Clone, Copy, Debug, Default)]
struct Alarms(u16);

impl Alarms {
    fn bit(kind: AlarmKind) -> u16 {
        1 << kind as u16
    }

    fn contains(self, kind: AlarmKind) -> bool {
        self.0 & Self::bit(kind) != 0
    }

    /// Sets it; tells what that changes.
    fn set(&mut self, kind: AlarmKind, raised: bool) -> Option<Change> {
        let before = self.contains(kind);
        self.0 = if raised { self.0 | Self::bit(kind) } else { self.0 & !Self::bit(kind) };
        (before != raised).then_some((kind, if raised { AlarmChange::Raised } else { AlarmChange::Cleared }))
    }
}

impl Judge {
    /// Whether this alarm was raised and not cleared.
    pub(super) fn has(&self, kind: AlarmKind) -> bool {
        self.raised.contains(kind)
    }

    /// What was heard last was not the last that was said: nothing in a row counts any more.
    pub(super) fn lose_track(&mut self) {
        self.symptom = None;
        self.load = None;
        self.offset_s = 0;
    }

    /// Takes readings that are news; `target` is the level last told.
    pub(super) fn take(
        &mut self,
        asset: &Asset,
        target: Option<DimLevel>,
        report: &Report<Telemetry>,
        changes: &mut Vec<Change>,
    ) {
        let (readings, at) = (&report.body, report.stamp.ts);
        let settled = target == Some(readings.in_effect);
        let symptom = symptom(asset, readings).filter(|_| settled);
        self.note_symptom(symptom, at);
        if let Some((kind, REPORTS_MIN..)) = self.symptom
            && seconds(at).saturating_sub(self.symptom_since_s) >= AGREE_MIN_S
        {
            if kind == AlarmKind::DimmingFailure {
                self.stuck_mw = readings.power_mw;
            }
            changes.extend(self.raised.set(kind, true));
        }
        self.clear_disproved(asset, readings, settled && symptom.is_none(), changes);
        self.judge_cycling(draws_power(asset, readings.power_mw), readings.in_effect, at, changes);
        self.judge_meter(asset, readings, at, changes);
    }

    fn note_symptom(&mut self, symptom: Option<AlarmKind>, at: Timestamp) {
        self.symptom = match (symptom, self.symptom) {
            (Some(kind), Some((before, count))) if before == kind => Some((kind, count.saturating_add(1))),
            (Some(kind), _) => {
                self.symptom_since_s = seconds(at);
                Some((kind, 1))
            }
            (None, _) => None,
        };
    }

    /// Takes how far a luminaire's clock is off.
    pub(super) fn take_offset(&mut self, offset_ms: i64, tolerance_ms: i64, changes: &mut Vec<Change>) {
        if offset_ms.abs() <= tolerance_ms {
            self.offset_s = 0;
            changes.extend(self.raised.set(AlarmKind::ClockFailure, false));
            return;
        }
        let offset_s = i32::try_from(offset_ms / SECOND_MS).unwrap_or(i32::MAX);
        if self.offset_s != 0 && self.offset_s.abs_diff(offset_s) <= OFFSET_AGREES_S {
            changes.extend(self.raised.set(AlarmKind::ClockFailure, true));
        }
        self.offset_s = offset_s;
    }

    /// Ends what these readings show to be over. By day a lamp that is off says nothing about one that should be lit.
    fn clear_disproved(
        &mut self,
        asset: &Asset,
        readings: &Telemetry,
        well: bool,
        changes: &mut Vec<Change>,
    ) {
        let load = draws_power(asset, readings.power_mw);
        let driven = readings.in_effect > DimLevel::OFF;
        if driven && load {
            changes.extend(self.raised.set(AlarmKind::LampFailure, false));
        }
        if driven && (load || u64::from(readings.power_mw) * 2 >= u64::from(asset.standby_mw)) {
            changes.extend(self.raised.set(AlarmKind::RelayFailure, false));
        }
        // At the level at which it is stuck nothing is to be seen: only another power shows that it follows again.
        let moved = !is_near(asset, readings.power_mw, u64::from(self.stuck_mw));
        if driven && well && moved {
            changes.extend(self.raised.set(AlarmKind::DimmingFailure, false));
        }
        if !driven && !load {
            changes.extend(self.raised.set(AlarmKind::LampUnexpectedOn, false));
        }
    }

    fn judge_cycling(&mut self, load: bool, in_effect: DimLevel, at: Timestamp, changes: &mut Vec<Change>) {
        if in_effect == DimLevel::OFF {
            self.load = None;
            return;
        }
        let now_s = seconds(at);
        if self.load.is_some_and(|before| before != load) {
            let over = now_s.saturating_sub(self.turns_since_s) > CYCLING_WITHIN_S;
            (self.turns, self.turns_since_s) =
                if over { (1, now_s) } else { (self.turns.saturating_add(1), self.turns_since_s) };
            self.turned_s = now_s;
        } else if now_s.saturating_sub(self.turned_s) > CYCLING_WITHIN_S {
            self.turns = 0;
            changes.extend(self.raised.set(AlarmKind::CyclingFailure, false));
        }
        self.load = Some(load);
        if self.turns >= TURNS_MAX {
            changes.extend(self.raised.set(AlarmKind::CyclingFailure, true));
        }
    }

    fn judge_meter(&mut self, asset: &Asset, readings: &Telemetry, at: Timestamp, changes: &mut Vec<Change>) {
        let (energy, now_s) = (readings.energy_mwh as u32, seconds(at));
        if energy != self.energy || self.energy_since_s == 0 || !draws_power(asset, readings.power_mw) {
            changes.extend(if energy == self.energy {
                None
            } else {
                self.raised.set(AlarmKind::MeterFailure, false)
            });
            (self.energy, self.energy_since_s) = (energy, now_s);
        } else if now_s.saturating_sub(self.energy_since_s) > STANDSTILL_MAX_S {
            changes.extend(self.raised.set(AlarmKind::MeterFailure, true));
        }
    }
}

fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_millis() / SECOND_MS).unwrap_or(0)
}

/// What is wrong by these readings alone.
fn symptom(asset: &Asset, readings: &Telemetry) -> Option<AlarmKind> {
    let load = draws_power(asset, readings.power_mw);
    if readings.in_effect == DimLevel::OFF {
        return load.then_some(AlarmKind::LampUnexpectedOn);
    }
    if !load {
        let dead = u64::from(readings.power_mw) * 2 < u64::from(asset.standby_mw);
        return Some(if dead { AlarmKind::RelayFailure } else { AlarmKind::LampFailure });
    }
    let expected_mw = expected_mw(asset, readings.in_effect);
    (!is_near(asset, readings.power_mw, expected_mw)).then_some(AlarmKind::DimmingFailure)
}

fn is_near(asset: &Asset, power_mw: u32, expected_mw: u64) -> bool {
    u64::from(power_mw).abs_diff(expected_mw) * 100 <= u64::from(asset.rated_mw) * POWER_TOLERANCE_PERCENT
}

/// What a luminaire should draw at a level with light \[mW\]: 5 % of the span above standby, the rest with the level.
fn expected_mw(asset: &Asset, level: DimLevel) -> u64 {
    let span_mw = u64::from(asset.rated_mw.saturating_sub(asset.standby_mw));
    u64::from(asset.standby_mw) + span_mw * (500 + 95 * u64::from(level.percent())) / 10_000
}

/// Whether this is more than standby: over half of what the lowest level with light adds, which is 5 %.
fn draws_power(asset: &Asset, power_mw: u32) -> bool {
    let span_mw = u64::from(asset.rated_mw.saturating_sub(asset.standby_mw));
    u64::from(power_mw.saturating_sub(asset.standby_mw)) * 40 > span_mw
}
