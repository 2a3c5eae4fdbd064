//! Luminaires that are missing, each on its own or a cabinet at once.

use std::collections::{BTreeMap, BTreeSet};

use types::{CabinetId, LuminaireId, MINUTE_MS, SECOND_MS, Timestamp};

use super::Asset;
use super::cabinets::Cabinets;
use crate::cabinet::LEGS;
use crate::{Alarm, AlarmChange, AlarmKind, Incident, IncidentKind};

/// How long a luminaire may be silent before anyone is told \[ms\].
const SILENCE_MAX_MS: i64 = 5 * MINUTE_MS;
/// How long the last words of a cabinet's luminaires are gathered \[ms\].
const GATHER_MS: i64 = 30 * SECOND_MS;
/// How long luminaires with too little voltage are gathered \[ms\].
const GATHER_LOW_MS: i64 = 10 * SECOND_MS;
/// A cabinet with fewer luminaires has no incidents of its own.
const CABINET_MIN: u32 = 3;

/// Why a luminaire is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// It said that its voltage is too low. It is not missing, but told of in the same way.
    LowVoltage,
    /// The bus says that it is gone.
    Silence,
    /// It said that its supply is gone.
    Supply,
}

impl Why {
    /// Why a luminaire is missing that has this alarm, if that says so.
    pub(super) fn of(kind: AlarmKind) -> Option<Self> {
        [Self::LowVoltage, Self::Silence, Self::Supply].into_iter().find(|why| why.kind() == kind)
    }

    fn kind(self) -> AlarmKind {
        match self {
            Self::LowVoltage => AlarmKind::SupplyVoltageTooLow,
            Self::Silence => AlarmKind::CommunicationFailure,
            Self::Supply => AlarmKind::SupplyLoss,
        }
    }

    fn incident(self) -> IncidentKind {
        match self {
            Self::LowVoltage => IncidentKind::SupplyVoltageTooLow,
            Self::Silence => IncidentKind::CommunicationFailure,
            Self::Supply => IncidentKind::SupplyLoss,
        }
    }

    fn grace_ms(self) -> i64 {
        match self {
            Self::LowVoltage => GATHER_LOW_MS,
            Self::Silence => SILENCE_MAX_MS,
            Self::Supply => GATHER_MS,
        }
    }
}

/// Whether a leg has mains voltage, as its cabinet tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fed {
    /// It has, or nobody told.
    #[default]
    Live,
    /// It has not: its luminaires must be missing. What is wrong, if anything is, the cabinet says itself.
    Dead,
}

/// What is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Alarm(Alarm),
    Incident(Incident),
}

#[derive(Clone, Copy, Debug)]
struct Missing {
    why: Why,
    /// Until when nobody is told.
    due: Timestamp,
    /// An alarm of its own was raised.
    alarmed: bool,
    /// The place of its leg.
    leg: usize,
}

#[derive(Debug, Default)]
struct Cabinet {
    /// How many hang on each leg.
    members: [u32; LEGS],
    fed: [Fed; LEGS],
    missing: BTreeMap<LuminaireId, usize>,
    /// An incident was raised, of this kind.
    incident: Option<Why>,
}

/// Who is missing.
#[derive(Debug, Default)]
pub(super) struct Losses {
    cabinets: BTreeMap<CabinetId, Cabinet>,
    missing: BTreeMap<LuminaireId, Missing>,
    due: BTreeSet<(Timestamp, LuminaireId, CabinetId)>,
}

impl Losses {
    pub(super) fn new(assets: &[Asset]) -> Self {
        let mut losses = Self::default();
        for asset in assets {
            losses.cabinets.entry(asset.cabinet).or_default().members[asset.leg.index()] += 1;
        }
        losses
    }

    pub(super) fn next_timeout(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, ..)| *due)
    }

    /// A luminaire is missing; what was told of it before is over. Who lost the supply is not missed for its silence too.
    pub(super) fn lose(&mut self, now: Timestamp, asset: &Asset, why: Why, told: &mut Vec<Told>) {
        if let Some(missing) = self.missing.get(&asset.luminaire)
            && missing.why >= why
        {
            return;
        }
        if let Some(before) = self.forget(asset).filter(|before| before.alarmed) {
            told.push(alarm(asset.luminaire, before.why, AlarmChange::Cleared));
        }
        let due = now.plus_millis(why.grace_ms());
        self.missing.insert(asset.luminaire, Missing { why, due, alarmed: false, leg: asset.leg.index() });
        self.due.insert((due, asset.luminaire, asset.cabinet));
        self.cabinet(asset.cabinet).missing.insert(asset.luminaire, asset.leg.index());
    }

    /// Takes over an alarm that another CMS raised, unless the luminaire is known to be missing for a stronger reason: then
    /// that alarm is over.
    pub(super) fn take_over(&mut self, now: Timestamp, asset: &Asset, why: Why, told: &mut Vec<Told>) {
        if self.missing.get(&asset.luminaire).is_some_and(|missing| missing.why > why) {
            told.push(alarm(asset.luminaire, why, AlarmChange::Cleared));
            return;
        }
        self.forget(asset);
        let leg = asset.leg.index();
        self.missing.insert(asset.luminaire, Missing { why, due: now, alarmed: true, leg });
        self.cabinet(asset.cabinet).missing.insert(asset.luminaire, leg);
    }

    /// The alarm of its own that a missing luminaire has.
    pub(super) fn alarm_of(&self, luminaire: LuminaireId) -> Option<AlarmKind> {
        self.missing.get(&luminaire).filter(|missing| missing.alarmed).map(|missing| missing.why.kind())
    }

    /// It has enough voltage again.
    pub(super) fn find_voltage(&mut self, now: Timestamp, asset: &Asset, told: &mut Vec<Told>) {
        self.find_after(Why::LowVoltage, now, asset, told);
    }

    /// It has supply, though nobody said that it was back: that may have been lost, or overtaken by its last words.
    pub(super) fn find_supply(&mut self, now: Timestamp, asset: &Asset, told: &mut Vec<Told>) {
        self.find_after(Why::Supply, now, asset, told);
    }

    /// It is heard of.
    pub(super) fn find_again(&mut self, now: Timestamp, asset: &Asset, told: &mut Vec<Told>) {
        self.find_after(Why::Silence, now, asset, told);
    }

    fn find_after(&mut self, why: Why, now: Timestamp, asset: &Asset, told: &mut Vec<Told>) {
        if self.missing.get(&asset.luminaire).is_some_and(|missing| missing.why == why) {
            self.find(now, asset, told);
        }
    }

    /// It is back.
    pub(super) fn find(&mut self, now: Timestamp, asset: &Asset, told: &mut Vec<Told>) {
        let Some(missing) = self.forget(asset) else { return };
        if missing.alarmed {
            told.push(alarm(asset.luminaire, missing.why, AlarmChange::Cleared));
        }
        let cabinet = self.cabinet(asset.cabinet);
        if let Some(why) = cabinet.incident
            && !cabinet.is_half_missing()
        {
            cabinet.incident = None;
            let left: Vec<LuminaireId> = cabinet.missing.keys().copied().collect();
            told.push(Told::Incident(Incident {
                cabinet: asset.cabinet,
                kind: why.incident(),
                change: AlarmChange::Cleared,
                circuit: None,
                phases: Default::default(),
                luminaires: left.len() as u32,
                street_m: 0,
            }));
            // Who is missing still is missing on its own, and has time to come back too.
            for luminaire in left {
                self.give_time(now, luminaire, asset.cabinet);
            }
        }
    }

    /// Tells of those whose time is over.
    pub(super) fn expire(&mut self, now: Timestamp, cabinets: &Cabinets, told: &mut Vec<Told>) {
        while let Some(&(due, luminaire, id)) = self.due.first()
            && due <= now
        {
            self.due.pop_first();
            let Some(&Missing { why, leg, .. }) = self.missing.get(&luminaire) else { continue };
            let cabinet = self.cabinet(id);
            if cabinet.incident.is_some() || cabinet.fed[leg] == Fed::Dead {
                continue;
            }
            if cabinet.is_half_missing() {
                cabinet.incident = Some(why);
                let missing = cabinet.missed();
                let (circuit, phases, street_m) = cabinets.extent(id, &missing);
                told.push(Told::Incident(Incident {
                    cabinet: id,
                    kind: why.incident(),
                    change: AlarmChange::Raised,
                    circuit,
                    phases,
                    luminaires: missing.iter().sum(),
                    street_m,
                }));
            } else {
                self.alarm_alone(luminaire, told);
            }
        }
    }

    /// A cabinet told which of its legs are live. Who hangs on one that is live again has time to come back.
    pub(super) fn set_fed(&mut self, now: Timestamp, id: CabinetId, fed: [Fed; LEGS]) {
        let cabinet = self.cabinet(id);
        let before = std::mem::replace(&mut cabinet.fed, fed);
        let back = |leg: usize| before[leg] == Fed::Dead && fed[leg] == Fed::Live;
        let awaited = cabinet.missing.iter().filter(|(_, leg)| back(**leg)).map(|(luminaire, _)| *luminaire);
        for luminaire in awaited.collect::<Vec<_>>() {
            self.give_time(now, luminaire, id);
        }
    }

    fn give_time(&mut self, now: Timestamp, luminaire: LuminaireId, cabinet: CabinetId) {
        if let Some(missing) = self.missing.get_mut(&luminaire) {
            missing.due = now.plus_millis(missing.why.grace_ms());
            self.due.insert((missing.due, luminaire, cabinet));
        }
    }

    fn alarm_alone(&mut self, luminaire: LuminaireId, told: &mut Vec<Told>) {
        if let Some(missing) = self.missing.get_mut(&luminaire).filter(|missing| !missing.alarmed) {
            missing.alarmed = true;
            told.push(alarm(luminaire, missing.why, AlarmChange::Raised));
        }
    }

    fn forget(&mut self, asset: &Asset) -> Option<Missing> {
        let missing = self.missing.remove(&asset.luminaire)?;
        self.due.remove(&(missing.due, asset.luminaire, asset.cabinet));
        self.cabinet(asset.cabinet).missing.remove(&asset.luminaire);
        Some(missing)
    }

    fn cabinet(&mut self, id: CabinetId) -> &mut Cabinet {
        self.cabinets.entry(id).or_default()
    }
}

fn alarm(luminaire: LuminaireId, why: Why, change: AlarmChange) -> Told {
    Told::Alarm(Alarm { luminaire, kind: why.kind(), change })
}

impl Cabinet {
    /// How many are missing of each leg that should have supply.
    fn missed(&self) -> [u32; LEGS] {
        let mut missed = [0; LEGS];
        for &leg in self.missing.values().filter(|leg| self.fed[**leg] == Fed::Live) {
            missed[leg] += 1;
        }
        missed
    }

    /// Whether that is at least half of them, and they are enough to speak of a cabinet.
    fn is_half_missing(&self) -> bool {
        let live = (0..LEGS).filter(|leg| self.fed[*leg] == Fed::Live);
        let members: u32 = live.map(|leg| self.members[leg]).sum();
        members >= CABINET_MIN && self.missed().iter().sum::<u32>() * 2 >= members
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Circuit, Leg, Phase};

    fn asset(number: u32) -> Asset {
        let cabinet = CabinetId(1 + number / 10);
        let leg = leg_of(number);
        Asset {
            luminaire: LuminaireId(number),
            cabinet,
            leg,
            street_m: 30,
            rated_mw: 80_000,
            standby_mw: 500,
            calendar: 0,
        }
    }

    /// Of each ten, the first five on circuit 1, and the phases in turns.
    fn leg_of(number: u32) -> Leg {
        let circuit = Circuit::ALL[(number % 10 / 5) as usize];
        Leg { circuit, phase: Phase::ALL[(number % 3) as usize] }
    }

    fn cabinets() -> Cabinets {
        let mut cabinets = Cabinets::default();
        (0..20).for_each(|number| cabinets.add(&asset(number)));
        cabinets
    }

    /// Of cabinet 1: circuit 1 has no supply, circuit 2 has.
    fn one_dead() -> [Fed; LEGS] {
        std::array::from_fn(|leg| if leg < LEGS / 2 { Fed::Dead } else { Fed::Live })
    }

    /// Luminaires 0 to 9 on cabinet 1, 10 to 19 on cabinet 2.
    fn losses() -> Losses {
        Losses::new(&(0..20).map(asset).collect::<Vec<_>>())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * SECOND_MS)
    }

    fn told(losses: &mut Losses, second: i64) -> Vec<String> {
        let mut told = Vec::new();
        losses.expire(at(second), &cabinets(), &mut told);
        told.into_iter().map(in_short).collect()
    }

    fn found(losses: &mut Losses, number: u32) -> Vec<String> {
        let mut told = Vec::new();
        losses.find(at(1_000), &asset(number), &mut told);
        told.into_iter().map(in_short).collect()
    }

    fn in_short(told: Told) -> String {
        match told {
            Told::Alarm(alarm) => format!("{} {:?} {:?}", alarm.luminaire, alarm.kind, alarm.change),
            Told::Incident(incident) => {
                format!(
                    "{} {:?} {:?} {}",
                    incident.cabinet, incident.kind, incident.change, incident.luminaires
                )
            }
        }
    }

    #[test]
    fn who_is_back_in_time_is_not_told_of() {
        let mut losses = losses();
        losses.lose(at(0), &asset(3), Why::Silence, &mut vec![]);
        assert_eq!(told(&mut losses, 299), [""; 0]);
        assert_eq!(found(&mut losses, 3), [""; 0]);
        assert_eq!(losses.next_timeout(), None);
    }

    #[test]
    fn one_alone_has_an_alarm_of_its_own() {
        let mut losses = losses();
        losses.lose(at(0), &asset(3), Why::Silence, &mut vec![]);
        assert_eq!(told(&mut losses, 300), ["l-0003 CommunicationFailure Raised"]);
        losses.lose(at(301), &asset(3), Why::Silence, &mut vec![]);
        assert_eq!(told(&mut losses, 900), [""; 0], "once");
        assert_eq!(found(&mut losses, 3), ["l-0003 CommunicationFailure Cleared"]);
    }

    #[test]
    fn half_a_cabinet_at_once_is_one_incident_and_ends_when_most_are_back() {
        let mut losses = losses();
        (0..6).for_each(|number| losses.lose(at(0), &asset(number), Why::Supply, &mut vec![]));
        losses.lose(at(0), &asset(12), Why::Supply, &mut vec![]);
        assert_eq!(told(&mut losses, 30), ["c-0001 SupplyLoss Raised 6", "l-0012 SupplyLoss Raised"]);
        assert_eq!(found(&mut losses, 0), [""; 0]);
        assert_eq!(found(&mut losses, 1), ["c-0001 SupplyLoss Cleared 4"]);
        assert_eq!(found(&mut losses, 2), [""; 0], "it had time to come back");
        let alone = ["l-0003 SupplyLoss Raised", "l-0004 SupplyLoss Raised", "l-0005 SupplyLoss Raised"];
        assert_eq!(told(&mut losses, 1_030), alone);
        assert_eq!(found(&mut losses, 3), ["l-0003 SupplyLoss Cleared"]);
    }

    #[test]
    fn who_lost_the_supply_is_not_missed_for_its_silence_too() {
        let mut losses = losses();
        losses.lose(at(0), &asset(3), Why::Supply, &mut vec![]);
        losses.lose(at(1), &asset(3), Why::Silence, &mut vec![]);
        assert_eq!(told(&mut losses, 1_000), ["l-0003 SupplyLoss Raised"]);
    }

    #[test]
    fn nobody_on_a_dead_feeder_is_missed_however_many_and_however_long() {
        let mut losses = losses();
        (0..5).for_each(|number| losses.lose(at(0), &asset(number), Why::Supply, &mut vec![]));
        losses.set_fed(at(1), CabinetId(1), one_dead());
        losses.lose(at(2), &asset(3), Why::Silence, &mut vec![]);
        assert_eq!(told(&mut losses, 100_000), [""; 0]);
    }

    #[test]
    fn who_stays_away_when_the_feeder_is_live_again_is_missed_after_its_time() {
        let mut losses = losses();
        losses.set_fed(at(0), CabinetId(1), one_dead());
        (0..5).for_each(|number| losses.lose(at(0), &asset(number), Why::Supply, &mut vec![]));
        assert_eq!(told(&mut losses, 40_000), [""; 0]);
        losses.set_fed(at(40_000), CabinetId(1), [Fed::Live; LEGS]);
        (0..4).for_each(|number| assert_eq!(found(&mut losses, number), [""; 0]));
        assert_eq!(told(&mut losses, 40_029), [""; 0]);
        assert_eq!(told(&mut losses, 40_030), ["l-0004 SupplyLoss Raised"]);
    }

    #[test]
    fn half_of_what_should_be_live_is_an_incident_though_it_is_a_quarter_of_the_cabinet() {
        let mut losses = losses();
        losses.set_fed(at(0), CabinetId(1), one_dead());
        (5..8).for_each(|number| losses.lose(at(0), &asset(number), Why::Supply, &mut vec![]));
        assert_eq!(told(&mut losses, 30), ["c-0001 SupplyLoss Raised 3"]);
    }

    #[test]
    fn an_incident_names_circuit_phases_and_street() {
        let (mut losses, mut told) = (losses(), Vec::new());
        (0..5).for_each(|number| losses.lose(at(0), &asset(number), Why::Supply, &mut vec![]));
        losses.expire(at(30), &cabinets(), &mut told);
        let [Told::Incident(incident)] = told[..] else { panic!("not one incident: {told:?}") };
        assert_eq!(incident.circuit, Circuit::from_number(1));
        assert_eq!(
            (incident.phases.to_string().as_str(), incident.luminaires, incident.street_m),
            ("RST", 5, 150)
        );
    }
}
