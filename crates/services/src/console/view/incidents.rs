//! What is wrong with whole cabinets.

use std::collections::BTreeMap;

use city::{CabinetSite, Plan};
use lighting::{AlarmChange, Incident, IncidentKind};
use serde_json::{Value, json};
use types::{CabinetId, LuminaireId, Timestamp};

/// Incidents that have not ended, with the luminaires they are about. A cabinet has at most one of a kind.
#[derive(Debug, Default)]
pub(crate) struct Incidents(BTreeMap<(CabinetId, IncidentKind), Open>);

#[derive(Debug)]
struct Open {
    incident: Incident,
    since: Timestamp,
    luminaires: Vec<LuminaireId>,
}

impl Incidents {
    /// One begins or ends.
    pub(crate) fn take(&mut self, incident: &Incident, at: Timestamp, plan: &Plan) {
        let key = (incident.cabinet, incident.kind);
        match incident.change {
            AlarmChange::Raised => {
                let luminaires = concerned(incident, plan);
                self.0.insert(key, Open { incident: *incident, since: at, luminaires });
            }
            AlarmChange::Cleared => {
                self.0.remove(&key);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn values(&self) -> Value {
        self.0.values().map(Open::value).collect()
    }
}

impl Open {
    fn value(&self) -> Value {
        let Self { incident, since, luminaires } = self;
        json!({
            "cabinet": incident.cabinet, "kind": incident.kind, "circuit": incident.circuit,
            "phases": incident.phases.to_string(), "luminaires": incident.luminaires,
            "street_m": incident.street_m, "raised_ms": since, "lamps": luminaires,
        })
    }
}

/// The luminaires on the legs that an incident is about. An open door is about none.
fn concerned(incident: &Incident, plan: &Plan) -> Vec<LuminaireId> {
    let fed = plan.cabinet(incident.cabinet).into_iter().flat_map(CabinetSite::luminaires);
    let on_its_legs = |id: &LuminaireId| {
        plan.luminaire(*id).is_some_and(|site| {
            let leg = site.leg();
            incident.phases.contains(leg.phase)
                && incident.circuit.is_none_or(|circuit| circuit == leg.circuit)
        })
    };
    fed.filter(on_its_legs).collect()
}

#[cfg(test)]
mod tests {
    use city::CitySpec;
    use lighting::{Circuit, Phase, Phases};
    use types::Seed;

    use super::*;

    fn incident(change: AlarmChange, phases: Phases) -> Incident {
        Incident {
            cabinet: CabinetId(1),
            kind: IncidentKind::CircuitBreakerTripped,
            change,
            circuit: Circuit::from_number(2),
            phases,
            luminaires: 3,
            street_m: 90,
        }
    }

    #[test]
    fn an_incident_names_the_luminaires_of_its_legs_and_no_others_until_it_ends() {
        let plan =
            Plan::generate(&CitySpec { seed: Seed(1), luminaires: 120, residents: 10, clinics: 1 }).unwrap();
        let mut incidents = Incidents::default();
        incidents.take(&incident(AlarmChange::Raised, Phase::S.into()), Timestamp::default(), &plan);
        let open = incidents.0.values().next().unwrap();
        let on_leg = |site: &&city::LuminaireSite| {
            site.cabinet == CabinetId(1)
                && site.phase == Phase::S
                && Some(site.leg().circuit) == Circuit::from_number(2)
        };
        let expected: Vec<LuminaireId> =
            plan.luminaires().iter().filter(on_leg).map(|site| site.id).collect();
        assert!(!expected.is_empty());
        assert_eq!(open.luminaires, expected);
        incidents.take(&incident(AlarmChange::Cleared, Phases::NONE), Timestamp::default(), &plan);
        assert_eq!(incidents.len(), 0);
    }
}
