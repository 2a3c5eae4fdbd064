//! What cabinets tell of themselves, and the incidents that come of it.

use std::collections::BTreeMap;

use types::CabinetId;

use super::is_newer;
use super::losses::Fed;
use crate::{AlarmChange, CabinetState, Circuit, Incident, IncidentKind, Leg, Phases, Report};

/// The cabinets of the register, as they told last.
#[derive(Debug, Default)]
pub(super) struct Cabinets(BTreeMap<CabinetId, Cabinet>);

#[derive(Debug, Default)]
struct Cabinet {
    state: Option<Report<CabinetState>>,
    /// Incidents that were raised and not cleared, one bit for each kind.
    raised: u8,
    /// What hangs on each leg, by its place.
    legs: [Hanging; crate::cabinet::LEGS],
}

/// The luminaires of a leg.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hanging {
    pub(super) luminaires: u32,
    /// The street that they light \[m\].
    pub(super) street_m: u32,
}

/// What an incident is about.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    circuits: [Option<Circuit>; crate::cabinet::CIRCUITS],
    phases: Phases,
    hanging: Hanging,
}

impl Cabinets {
    /// One more luminaire of the register.
    pub(super) fn add(&mut self, asset: &super::Asset) {
        let hanging = &mut self.0.entry(asset.cabinet).or_default().legs[asset.leg.index()];
        hanging.luminaires += 1;
        hanging.street_m += u32::from(asset.street_m);
    }

    /// Takes what a cabinet told, unless it is old or the cabinet is not in the register; notes the incidents that
    /// begin or end with it. Gives what each leg now has.
    pub(super) fn take(
        &mut self,
        id: CabinetId,
        report: &Report<CabinetState>,
        incidents: &mut Vec<Incident>,
    ) -> Option<[Fed; crate::cabinet::LEGS]> {
        let cabinet = self.0.get_mut(&id)?;
        if cabinet.state.as_ref().is_some_and(|known| !is_newer(report.stamp, known.stamp)) {
            return None;
        }
        let state = report.body;
        cabinet.state = Some(report.clone());
        for kind in IncidentKind::ALL {
            if let Some(part) = part_of(kind, &state, &cabinet.legs) {
                cabinet.note(id, kind, part, incidents);
            }
        }
        let mut fed = [Fed::Live; crate::cabinet::LEGS];
        for leg in Leg::all().filter(|leg| !state.is_live(*leg)) {
            fed[leg.index()] = Fed::Dead;
        }
        Some(fed)
    }

    /// What a loss inferred from luminaires is about: the legs of which at least half are `missing`.
    pub(super) fn extent(
        &self,
        id: CabinetId,
        missing: &[u32; crate::cabinet::LEGS],
    ) -> (Option<Circuit>, Phases, u32) {
        let Some(cabinet) = self.0.get(&id) else { return Default::default() };
        let mut part = Part::default();
        for leg in Leg::all() {
            let hanging = cabinet.legs[leg.index()];
            let missing = missing[leg.index()];
            if missing > 0 && missing * 2 >= hanging.luminaires {
                part.add(leg, hanging);
            }
        }
        (part.circuit(), part.phases, part.hanging.street_m)
    }
}

impl Cabinet {
    fn note(&mut self, id: CabinetId, kind: IncidentKind, part: Option<Part>, incidents: &mut Vec<Incident>) {
        let bit = 1 << kind as u8;
        if part.is_some() == (self.raised & bit != 0) {
            return;
        }
        self.raised ^= bit;
        let change = if part.is_some() { AlarmChange::Raised } else { AlarmChange::Cleared };
        let part = part.unwrap_or_default();
        incidents.push(Incident {
            cabinet: id,
            kind,
            change,
            circuit: part.circuit(),
            phases: part.phases,
            luminaires: part.hanging.luminaires,
            street_m: part.hanging.street_m,
        });
    }
}

impl Part {
    fn add(&mut self, leg: Leg, hanging: Hanging) {
        self.circuits[leg.circuit.index()] = Some(leg.circuit);
        self.phases = self.phases.union(leg.phase.into());
        self.hanging.luminaires += hanging.luminaires;
        self.hanging.street_m += hanging.street_m;
    }

    /// The one circuit, if there is one only.
    fn circuit(&self) -> Option<Circuit> {
        let mut circuits = self.circuits.iter().flatten();
        circuits.next().filter(|_| circuits.next().is_none()).copied()
    }
}

/// What of a cabinet has this incident; `None` if a state says nothing about incidents of this kind.
fn part_of(kind: IncidentKind, state: &CabinetState, legs: &[Hanging]) -> Option<Option<Part>> {
    let concerned = |leg: &Leg| {
        let circuit = state.circuit(leg.circuit);
        match kind {
            IncidentKind::CircuitBreakerTripped => circuit.tripped.contains(leg.phase),
            IncidentKind::SwitchingErrorOn => circuit.wanted && !circuit.closed,
            IncidentKind::SwitchingErrorOff => !circuit.wanted && circuit.closed,
            _ => false,
        }
    };
    match kind {
        IncidentKind::CommunicationFailure | IncidentKind::SupplyLoss | IncidentKind::SupplyVoltageTooLow => {
            return None;
        }
        IncidentKind::CabinetDoorOpen => return Some(state.door_open.then(Part::default)),
        _ => {}
    }
    let mut part = None;
    for leg in Leg::all().filter(concerned) {
        part.get_or_insert_with(Part::default).add(leg, legs[leg.index()]);
    }
    Some(part)
}
