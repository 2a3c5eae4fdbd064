//! What a luminaire's readings say about what is broken.

use types::{SECOND_MS, Timestamp};

use super::Asset;
use crate::{AlarmChange, AlarmKind, AlarmSet, DimLevel, Report, Telemetry};

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
/// How far the energy reading may be from what the power would make of it \[% of that\].
const ENERGY_TOLERANCE_PERCENT: u64 = 10;
/// Over a shorter time an energy reading is not held against the power \[s\].
const ENERGY_TIME_MIN_S: u32 = 5 * 60;
/// A driver that gives at least half of its light has a power factor of at least this \[‰\].
const POWER_FACTOR_MIN_PM: u16 = 800;
/// Below this mains voltage is too low: 10 % below the nominal one in China \[mV\].
const VOLTAGE_MIN_MV: u32 = 198_000;
/// How much two offsets of one wrong clock may differ \[s\]: more, and the reports were only late.
const OFFSET_AGREES_S: u32 = 30;

/// Watches the readings of one luminaire. There is one for each, so it is kept small: seconds in 32 bits, and of the
/// energy only as much as tells one reading from the next.
#[derive(Debug, Default)]
pub(super) struct Judge {
    raised: AlarmSet,
    /// What the last readings showed, how many of them in a row, and since when.
    symptom: Option<(AlarmKind, u8)>,
    symptom_since_s: u32,
    /// The power at which the dimming is stuck \[mW\]; 0 = not known yet.
    stuck_mw: u32,
    /// The last readings: power \[mW\] and level.
    last_mw: u32,
    last_level: DimLevel,
    /// Whether the power did not follow when the level changed last.
    lagged: bool,
    low_voltage: Streak,
    low_factor: Streak,
    derated: Streak,
    shut_down: Streak,
    odd_energy: Streak,
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

/// How many reports in a row agree.
#[derive(Clone, Copy, Debug, Default)]
struct Streak(u8);

impl Streak {
    /// Whether enough agree, this one being one of them if it is `so`.
    fn take(&mut self, so: bool) -> bool {
        self.0 = if so { self.0.saturating_add(1) } else { 0 };
        self.0 >= REPORTS_MIN
    }
}

impl Judge {
    /// Whether this alarm was raised and not cleared.
    pub(super) fn has(&self, kind: AlarmKind) -> bool {
        self.raised.contains(kind)
    }

    /// Those that were raised and not cleared.
    pub(super) fn raised(&self) -> AlarmSet {
        self.raised
    }

    /// Raises or clears an alarm; notes what that changes.
    #[inline]
    pub(super) fn set(&mut self, kind: AlarmKind, raised: bool, changes: &mut Vec<Change>) {
        if self.raised.set(kind, raised) {
            changes.push((kind, if raised { AlarmChange::Raised } else { AlarmChange::Cleared }));
        }
    }

    /// Takes over an alarm that another judge raised, and whose reasons are not known.
    pub(super) fn take_over(&mut self, now: Timestamp, kind: AlarmKind) {
        self.raised.set(kind, true);
        match kind {
            // It may turn again soon.
            AlarmKind::CyclingFailure => self.turned_s = seconds(now),
            AlarmKind::DimmingFailure => self.stuck_mw = 0,
            _ => {}
        }
    }

    /// What was heard last was not the last that was said: nothing in a row counts any more.
    pub(super) fn lose_track(&mut self) {
        self.symptom = None;
        self.load = None;
        self.offset_s = 0;
        for streak in [&mut self.low_voltage, &mut self.low_factor, &mut self.derated, &mut self.shut_down] {
            *streak = Streak::default();
        }
    }

    /// Takes note of the level a state told. Readings may be lost; so what the meter counted while the level was another
    /// is not held against it.
    pub(super) fn take_level(&mut self, in_effect: DimLevel) {
        if in_effect != self.last_level {
            self.energy_since_s = 0;
        }
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
        let settled = target.is_some_and(|target| self.is_settled(target, readings.in_effect));
        self.note_level(asset, readings);
        let symptom = self.symptom(asset, readings).filter(|_| settled);
        self.note_symptom(symptom, at);
        if let Some((kind, REPORTS_MIN..)) = self.symptom
            && seconds(at).saturating_sub(self.symptom_since_s) >= AGREE_MIN_S
        {
            if kind == AlarmKind::DimmingFailure {
                self.stuck_mw = readings.power_mw;
            }
            self.set(kind, true, changes);
        }
        self.clear_disproved(asset, readings, settled && symptom.is_none(), changes);
        self.judge_cycling(draws_power(asset, readings.power_mw), readings.in_effect, at, changes);
        self.judge_meter(asset, readings, at, changes);
        self.judge_gear(readings, symptom.is_none(), changes);
        (self.last_level, self.last_mw) = (readings.in_effect, readings.power_mw);
    }

    /// Whether a luminaire does what it can do of its target. The driver's minimum, constant light output and heat make
    /// that another level with light: then it stays there.
    fn is_settled(&self, target: DimLevel, in_effect: DimLevel) -> bool {
        let stays = in_effect == self.last_level && in_effect > DimLevel::OFF && target > DimLevel::OFF;
        in_effect == target || stays
    }

    /// Whether mains voltage is too low; `None` if the readings are too few to tell.
    pub(super) fn voltage_is_low(&mut self, voltage_mv: u32) -> Option<bool> {
        let low = voltage_mv < VOLTAGE_MIN_MV;
        (self.low_voltage.take(low) || !low).then_some(low)
    }

    /// Whether the power followed the level, if that changed: one that did not by half of what it should is stuck.
    fn note_level(&mut self, asset: &Asset, readings: &Telemetry) {
        let (before, level) = (self.last_level, readings.in_effect);
        if before == level || before == DimLevel::OFF || level == DimLevel::OFF {
            return;
        }
        let expected_mw = expected_mw(asset, before).abs_diff(expected_mw(asset, level));
        self.lagged = u64::from(self.last_mw.abs_diff(readings.power_mw)) * 2 < expected_mw;
    }

    /// What is wrong by these readings.
    fn symptom(&self, asset: &Asset, readings: &Telemetry) -> Option<AlarmKind> {
        let load = draws_power(asset, readings.power_mw);
        if readings.in_effect == DimLevel::OFF {
            return load.then_some(AlarmKind::LampUnexpectedOn);
        }
        if readings.gear.is_some_and(|gear| !gear.answers) {
            return Some(if load {
                AlarmKind::ControlGearCommFailure
            } else {
                AlarmKind::ControlGearFailure
            });
        }
        if !load {
            let dead = u64::from(readings.power_mw) * 2 < u64::from(asset.standby_mw);
            return Some(if dead { AlarmKind::RelayFailure } else { AlarmKind::LampFailure });
        }
        let expected_mw = expected_mw(asset, readings.in_effect);
        if is_near(asset, readings.power_mw, expected_mw) {
            return None;
        }
        let partial = u64::from(readings.power_mw) < expected_mw
            && (!self.lagged || self.has(AlarmKind::LampPowerTooLow));
        Some(if partial { AlarmKind::LampPowerTooLow } else { AlarmKind::DimmingFailure })
    }

    /// What the readings say outright.
    fn judge_gear(&mut self, readings: &Telemetry, draws_well: bool, changes: &mut Vec<Change>) {
        let limit = readings.gear.map_or(DimLevel::FULL, |gear| gear.limit);
        // With less than half of the light any driver's power factor falls; 0 was not measured.
        let factor = readings.power_factor_pm;
        let low_factor =
            readings.in_effect.percent() >= 50 && draws_well && (1..POWER_FACTOR_MIN_PM).contains(&factor);
        for (kind, shows, enough) in [
            (AlarmKind::PowerFactorTooLow, low_factor, self.low_factor.take(low_factor)),
            (AlarmKind::ThermalDerating, limit < DimLevel::FULL, self.derated.take(limit < DimLevel::FULL)),
            (AlarmKind::ThermalShutdown, limit == DimLevel::OFF, self.shut_down.take(limit == DimLevel::OFF)),
        ] {
            if enough || !shows {
                self.set(kind, enough, changes);
            }
        }
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
            self.set(AlarmKind::ClockFailure, false, changes);
            return;
        }
        // Time by this clock and time by a right one make no span: the meter is judged from the next report on.
        self.energy_since_s = 0;
        let offset_s = i32::try_from(offset_ms / SECOND_MS).unwrap_or(i32::MAX);
        if self.offset_s != 0 && self.offset_s.abs_diff(offset_s) <= OFFSET_AGREES_S {
            self.set(AlarmKind::ClockFailure, true, changes);
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
        if self.raised.is_empty() {
            return;
        }
        let load = draws_power(asset, readings.power_mw);
        let driven = readings.in_effect > DimLevel::OFF;
        if driven && load {
            self.set(AlarmKind::LampFailure, false, changes);
        }
        if driven && (load || u64::from(readings.power_mw) * 2 >= u64::from(asset.standby_mw)) {
            self.set(AlarmKind::RelayFailure, false, changes);
        }
        if driven && self.stuck_mw == 0 {
            self.stuck_mw = readings.power_mw;
        }
        // At the level at which it is stuck nothing is to be seen: only another power shows that it follows again.
        let moved = !is_near(asset, readings.power_mw, u64::from(self.stuck_mw));
        if driven && well && moved {
            self.set(AlarmKind::DimmingFailure, false, changes);
        }
        if driven && well {
            for kind in
                [AlarmKind::LampPowerTooLow, AlarmKind::ControlGearFailure, AlarmKind::ControlGearCommFailure]
            {
                self.set(kind, false, changes);
            }
        }
        if !driven && !load {
            self.set(AlarmKind::LampUnexpectedOn, false, changes);
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
            self.set(AlarmKind::CyclingFailure, false, changes);
        }
        self.load = Some(load);
        if self.turns >= TURNS_MAX {
            self.set(AlarmKind::CyclingFailure, true, changes);
        }
    }

    /// Holds the energy reading against the power, if that was the same before.
    fn judge_meter(&mut self, asset: &Asset, readings: &Telemetry, at: Timestamp, changes: &mut Vec<Change>) {
        let (energy, now_s) = (readings.energy_mwh as u32, seconds(at));
        let passed_s = now_s.saturating_sub(self.energy_since_s);
        let first = self.energy_since_s == 0;
        let steady = !first
            && readings.in_effect == self.last_level
            && is_near(asset, readings.power_mw, self.last_mw.into())
            && draws_power(asset, readings.power_mw);
        if !steady {
            (self.energy, self.energy_since_s) = (energy, now_s);
            return;
        }
        let counted_mwh = energy.wrapping_sub(self.energy);
        if counted_mwh == 0 {
            if passed_s > STANDSTILL_MAX_S {
                self.set(AlarmKind::MeterFailure, true, changes);
            }
            return;
        }
        if passed_s < ENERGY_TIME_MIN_S {
            return;
        }
        if passed_s > STANDSTILL_MAX_S {
            // It moves again; over so long a time nothing more can be said of it.
            self.set(AlarmKind::MeterFailure, false, changes);
            (self.energy, self.energy_since_s) = (energy, now_s);
            return;
        }
        let expected_mwh = u64::from(readings.power_mw) * u64::from(passed_s) / 3_600;
        let off_mwh = u64::from(counted_mwh).abs_diff(expected_mwh);
        let odd = off_mwh * 100 > expected_mwh * ENERGY_TOLERANCE_PERCENT;
        if self.odd_energy.take(odd) || !odd {
            self.set(AlarmKind::MeterFailure, odd, changes);
        }
        (self.energy, self.energy_since_s) = (energy, now_s);
    }
}

fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_millis() / SECOND_MS).unwrap_or(0)
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
