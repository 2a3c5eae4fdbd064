//! The programme, kept for devices that do not take it.

use lighting::{DimLevel, Mode, Programme};
use serde_json::{Map, Value};
use types::Timestamp;

use super::answers::Asked;
use super::{IotdaBridge, Output, PROGRAMME, SET_LEVEL};
use crate::iotda::LIGHT;
use crate::iotda::payload::Down;

impl IotdaBridge {
    pub(super) fn keep_programme(
        &mut self,
        now: Timestamp,
        index: usize,
        programme: &Programme,
        out: &mut Vec<Output>,
    ) {
        let Some(at) = self.city_now(now) else { return };
        let lamp = &mut self.lamps[index];
        lamp.keeper.take_programme(programme, self.sites.sun(&lamp.site), at);
        self.drive(now, index, out);
    }

    /// The level a device that keeps no programme goes back to when an override ends.
    pub(super) fn kept_level(&mut self, now: Timestamp, index: usize) -> Option<DimLevel> {
        let at = self.city_now(now)?;
        let lamp = &mut self.lamps[index];
        if !lamp.refuses_programme {
            return None;
        }
        lamp.keeper.hold(None, None);
        let (level, _) = lamp.keeper.wanted(self.sites.sun(&lamp.site), at)?;
        lamp.told = Some(level);
        Some(level)
    }

    /// Has a device that keeps no programme give the level that counts now, if it was told another.
    ///
    /// One that does not obey is told again with its next report.
    pub(super) fn drive(&mut self, now: Timestamp, index: usize, out: &mut Vec<Output>) {
        let Some(at) = self.city_now(now) else { return };
        let lamp = &mut self.lamps[index];
        if !lamp.refuses_programme || !lamp.online {
            return;
        }
        let Some((level, mode)) = lamp.keeper.wanted(self.sites.sun(&lamp.site), at) else { return };
        // An override it was commanded, and answered to.
        if lamp.told.replace(level) == Some(level) || mode == Mode::Override {
            return;
        }
        let object = lamp.object.clone();
        self.ask(now, index, Asked::Step(level), out, |request| Down::Command {
            request,
            object,
            service: LIGHT.to_owned(),
            name: SET_LEVEL.to_owned(),
            paras: serde_json::json!({ "level": level }),
        });
    }

    /// A device that turns out to have the programme, by its answer or its report, needs not be told its levels.
    pub(super) fn leave_to_itself(&mut self, now: Timestamp, index: usize, out: &mut Vec<Output>) {
        let lamp = &mut self.lamps[index];
        let told_so = lamp.shadow.desires(LIGHT, PROGRAMME) && !holds_programme(&lamp.shadow.missing(LIGHT));
        lamp.has_programme |= told_so;
        if lamp.has_programme && std::mem::take(&mut lamp.refuses_programme) {
            // The level it was told would hold for ever.
            self.order(now, index, None, out);
        }
    }

    /// When a device that keeps no programme is to be told its next level.
    pub(super) fn next_step(&self) -> Option<Timestamp> {
        let clock = self.clock?;
        let driven = self.lamps.iter().filter(|lamp| lamp.online && lamp.refuses_programme);
        let at = driven.filter_map(|lamp| lamp.keeper.next_change()).min()?;
        Some(clock.wall.plus_millis(clock.wall_ms_until(at, clock.wall)?))
    }
}

/// What a device takes, of what it was asked to take.
pub(super) fn holds_programme(properties: &Map<String, Value>) -> bool {
    properties.contains_key(PROGRAMME)
}
