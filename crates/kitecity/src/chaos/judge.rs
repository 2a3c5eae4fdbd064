//! What the streets must show when all is healed.

use std::time::Duration;

use anyhow::Result;
use lighting::AlarmKind;
use wire::RoleName;

use super::Chaos;
use super::blows::Part;
use super::load::{self, Load};
use super::streets::Streets;

/// How long luminaires may take to do what they should.
const LAMPS_WITHIN: Duration = Duration::from_secs(60);
/// How long alarms may take to come: some quarters of an hour of the city.
const ALARMS_WITHIN: Duration = Duration::from_secs(60);

impl Chaos {
    /// Every luminaire does what it should: what it was told last, if it is known, and it lives since.
    pub(super) async fn judge_lamps(&mut self, streets: &Streets) {
        let fleet = Part::Role(RoleName::Fleet);
        let (told, life) = (self.record.lock().levels.clone(), self.town.lives().number(fleet));
        let vandals = load::vandals(&self.city);
        let all = self.city.cast.directory();
        let settled = streets.until(LAMPS_WITHIN, |seen| {
            let lamps = all.keys().filter(|id| !vandals.contains(id));
            let wrong = lamps.filter_map(|id| {
                let state = seen.state(*id);
                let held = told.get(id).filter(|(_, since)| *since == life).map(|(level, _)| *level);
                let target = held.or(state.map(|state| state.target));
                let is_so =
                    state.is_some_and(|state| state.target == state.actual && Some(state.target) == target);
                (!is_so).then(|| format!("{id} holds {state:?}, and should {held:?}"))
            });
            wrong.collect()
        });
        match settled.await {
            Ok(after) => self.report.lamps_settled(after),
            Err(wrong) => wrong.into_iter().for_each(|words| self.record.broken(words)),
        }
    }

    /// Every luminaire that is broken has its alarm, and no other, as somebody sees it who comes only now. None was raised
    /// twice, as `streets` heard it.
    pub(super) async fn judge_alarms(&mut self, streets: &Streets, load: &Load) -> Result<()> {
        let mut operator = load.client("alarms", 0).await?;
        load::break_as_told(&operator);
        let vandals = load::vandals(&self.city);
        for dark in load::light(&mut operator, &vandals).await {
            self.record.broken(format!("{dark} does not obey though all is well"));
        }
        let broken = self.record.lock().vandalised.clone();
        let late = Streets::watch("late", &self.link, self.city.secret(), self.town.lives());
        let told = late.until(ALARMS_WITHIN, |seen| {
            let wrong = vandals.iter().filter_map(|id| {
                match (broken.contains(id), seen.stands(*id, AlarmKind::LampFailure)) {
                    (true, false) => Some(format!("the alarm of {id} is lost")),
                    (false, true) => Some(format!("the alarm of {id}, which is whole, has no end")),
                    _ => None,
                }
            });
            wrong.collect()
        });
        if let Err(wrong) = told.await {
            wrong.into_iter().for_each(|words| self.record.broken(words));
        }
        for alarm in &streets.lock().doubled {
            self.record.broken(format!("the alarm {:?} of {} is doubled", alarm.kind, alarm.luminaire));
        }
        Ok(())
    }
}
