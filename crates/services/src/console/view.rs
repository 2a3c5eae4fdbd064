//! What the bus has told so far, as the pages show it.

mod incidents;
mod lamp;
mod past;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use city::Plan;
use eid::{KeyState, PublicKey};
use lighting::{Alarm, AlarmChange, AlarmKind, AlarmSet, CabinetState, CabinetTelemetry, GroupReply};
use scenario::Cast;
use serde_json::{Value, json};
use types::{CabinetId, GroupId, LuminaireId, Timestamp};
use wire::{ClockState, Event, EventBody, Light, Message, ReplyBody, RoleName, Segment};

use self::incidents::Incidents;
pub(crate) use self::lamp::{LampView, Look};
use self::past::Past;
pub(crate) use self::past::Point;
pub(crate) use self::words::summary;

use super::bills::RecentBills;
use crate::broker::Counters;
use crate::time::wall_now;

/// Commands to groups remembered, the last of each group.
const GROUP_COMMANDS_MAX: usize = 256;

/// The city as heard on the bus.
#[derive(Debug)]
pub(crate) struct View {
    lamps: Vec<LampView>,
    changed: BTreeSet<usize>,
    alarms: BTreeMap<(LuminaireId, AlarmKind), Timestamp>,
    incidents: Incidents,
    cabinets: BTreeMap<CabinetId, CabinetView>,
    group_commands: BTreeMap<GroupId, (Timestamp, GroupReply)>,
    past: Past,
    plan: Arc<Plan>,
    clock: Option<ClockState>,
    /// The issuer's keys.
    keys: Vec<PublicKey>,
    astro: Arc<lighting::AstroTable>,
    messages: u64,
    messages_before: (u64, Timestamp),
    dead_letters: u64,
    counters: Option<Arc<Counters>>,
    pub(crate) bills: RecentBills,
}

/// All lamps in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct LampFigures {
    pub(crate) online: usize,
    pub(crate) lit: usize,
    /// \[mW\]
    pub(crate) power_mw: u64,
    /// \[kWh\]
    pub(crate) energy_kwh: f64,
    pub(crate) alarms: usize,
}

/// One cabinet as heard on the bus.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CabinetView {
    pub(crate) state: Option<CabinetState>,
    pub(crate) telemetry: Option<CabinetTelemetry>,
}

impl View {
    pub(crate) fn new(cast: &Cast, counters: Option<Arc<Counters>>) -> Self {
        Self {
            lamps: vec![LampView::default(); cast.plan().luminaires().len()],
            changed: BTreeSet::new(),
            alarms: BTreeMap::new(),
            incidents: Incidents::default(),
            cabinets: BTreeMap::new(),
            group_commands: BTreeMap::new(),
            past: Past::new(cast.plan().luminaires().len()),
            plan: cast.plan().clone(),
            clock: None,
            keys: Vec::new(),
            astro: cast.astro().clone(),
            messages: 0,
            messages_before: (0, wall_now()),
            dead_letters: 0,
            counters,
            bills: RecentBills::default(),
        }
    }

    pub(crate) fn count_message(&mut self) {
        self.messages += 1;
    }

    /// Messages heard since the start.
    pub(crate) fn heard(&self) -> u64 {
        self.messages
    }

    pub(crate) fn count_dead_letter(&mut self) {
        self.dead_letters += 1;
    }

    /// What the city's clock shows; the wall's as long as that is unknown.
    pub(crate) fn city_now(&self) -> Timestamp {
        self.clock.map_or_else(wall_now, |clock| clock.city_at(wall_now()))
    }

    /// The ids of the issuer's keys whose credentials are good; none as long as nobody told.
    pub(crate) fn good_keys(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let is_good = move |key: &&PublicKey| match key.state {
            KeyState::Active => true,
            KeyState::Retired => key.until.is_none_or(|until| now < until),
            KeyState::Next | KeyState::Compromised => false,
        };
        self.keys.iter().filter(is_good).map(|key| key.kid.as_str())
    }

    /// The lamp of this id.
    pub(crate) fn lamp(&self, id: LuminaireId) -> Option<&LampView> {
        self.lamps.get(id.0.wrapping_sub(1) as usize)
    }

    /// Whether this is wrong with this lamp.
    pub(crate) fn has_alarm(&self, id: LuminaireId, kind: AlarmKind) -> bool {
        self.alarms.contains_key(&(id, kind))
    }

    /// What is wrong with this lamp, and since when; the first, if it is more than one thing.
    pub(crate) fn alarm(&self, id: LuminaireId) -> Option<(AlarmKind, Timestamp)> {
        let from_its_first = self.alarms.range((id, AlarmKind::ALL[0])..).next();
        from_its_first.filter(|((luminaire, _), _)| *luminaire == id).map(|((_, kind), at)| (*kind, *at))
    }

    /// Alarms that have not ended.
    pub(crate) fn alarms(&self) -> Value {
        self.alarms
            .iter()
            .map(|((luminaire, kind), at)| json!({ "luminaire": luminaire, "kind": kind, "raised_ms": at }))
            .collect()
    }

    /// Incidents that have not ended.
    pub(crate) fn incidents(&self) -> Value {
        self.incidents.values()
    }

    /// The cabinet of this id.
    pub(crate) fn cabinet(&self, id: CabinetId) -> CabinetView {
        self.cabinets.get(&id).copied().unwrap_or_default()
    }

    /// The last command to a group, when its state was told, and what that was.
    pub(crate) fn group_command(&self, id: &GroupId) -> Option<&(Timestamp, GroupReply)> {
        self.group_commands.get(id)
    }

    /// How the lamps looked, and what they drew.
    pub(crate) fn past(&self) -> &Past {
        &self.past
    }

    /// Takes a message in; what the browsers should hear at once comes back.
    pub(crate) fn take(&mut self, message: &Message) -> Vec<(&'static str, Value)> {
        match message {
            Message::EidKeys(set) => {
                self.keys.clone_from(&set.keys);
                Vec::new()
            }
            Message::Light { luminaire, body, .. } => {
                self.light(*luminaire, body);
                Vec::new()
            }
            Message::Clock(state) => {
                self.clock = Some(*state);
                self.clock_event().map(|data| ("clock", data)).into_iter().collect()
            }
            Message::Presence(walkers) => {
                let places = walkers.iter().map(|walker| self.plan.plane().point(walker.at));
                let places: Vec<_> = places.map(|(x, y)| [x.round(), y.round()]).collect();
                vec![("walkers", json!({ "w": places }))]
            }
            Message::Event(Event { id, time, body: EventBody::Alarm(alarm) }) => {
                self.take_alarm(*alarm, *time);
                let data = json!({
                    "id": id, "luminaire": alarm.luminaire, "kind": alarm.kind, "change": alarm.change, "at_ms": time,
                });
                vec![("alarm", data)]
            }
            Message::Event(Event { time, body: EventBody::Pay(event), .. }) => {
                self.bills.hear(*time, event);
                Vec::new()
            }
            Message::Event(Event { time, body: EventBody::Incident(incident), .. }) => {
                self.incidents.take(incident, *time, &self.plan);
                vec![("incidents", self.incidents.values())]
            }
            Message::Cabinet { cabinet, body, .. } => {
                self.take_cabinet(*cabinet, body);
                Vec::new()
            }
            Message::Reply(reply) => {
                self.take_reply(&reply.body);
                Vec::new()
            }
            Message::DeadLetter { consumer, .. } => {
                // The console's own come round too: they were counted when they were written.
                self.dead_letters += u64::from(*consumer != RoleName::Console.slug());
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn light(&mut self, id: LuminaireId, body: &Light) {
        let index = id.0.wrapping_sub(1) as usize;
        let now = self.city_now();
        let Some(lamp) = self.lamps.get_mut(index) else { return };
        if let Light::Alarms(standing) = body {
            self.take_standing(id, *standing, now);
        } else if lamp.take(body, now) {
            self.note_look(index, now);
        }
    }

    /// What the CMS says stands is what stands: an event may have been missed.
    fn take_standing(&mut self, id: LuminaireId, standing: AlarmSet, now: Timestamp) {
        let over = |kind: &AlarmKind| !standing.contains(*kind);
        for kind in AlarmKind::ALL.into_iter().filter(over) {
            self.alarms.remove(&(id, kind));
        }
        for kind in standing.iter() {
            self.alarms.entry((id, kind)).or_insert(now);
        }
        self.note_alarms(id);
    }

    fn note_look(&mut self, index: usize, now: Timestamp) {
        // Most messages are readings, and change nothing that the map shows.
        if self.past.note(now, index, self.lamps[index].look()) {
            self.changed.insert(index);
        }
    }

    fn take_cabinet(&mut self, id: CabinetId, body: &Segment) {
        // Whoever invents cabinets must not fill the memory.
        if self.plan.cabinet(id).is_none() {
            return;
        }
        let cabinet = self.cabinets.entry(id).or_default();
        match body {
            Segment::State(report) => cabinet.state = Some(report.body),
            Segment::Telemetry(report) => cabinet.telemetry = Some(report.body),
            Segment::Ack(_) | Segment::Online(_) | Segment::Command(_) => {}
        }
    }

    /// What the CMS answers, to whomever: it tells how commands fare.
    fn take_reply(&mut self, reply: &ReplyBody) {
        match reply {
            ReplyBody::Dim(report) => {
                let index = report.luminaire.0.wrapping_sub(1) as usize;
                if let Some(lamp) = self.lamps.get_mut(index) {
                    lamp.report(report);
                }
            }
            ReplyBody::DimGroup(reply) => {
                let group = match reply {
                    GroupReply::Running(report) | GroupReply::Finished(report) => &report.group,
                    GroupReply::Refused { group, .. } => group,
                };
                let full = self.group_commands.len() >= GROUP_COMMANDS_MAX;
                if !full || self.group_commands.contains_key(group) {
                    self.group_commands.insert(group.clone(), (self.city_now(), reply.clone()));
                }
            }
            _ => {}
        }
    }

    fn take_alarm(&mut self, alarm: Alarm, at: Timestamp) {
        match alarm.change {
            AlarmChange::Raised => self.alarms.insert((alarm.luminaire, alarm.kind), at),
            AlarmChange::Cleared => self.alarms.remove(&(alarm.luminaire, alarm.kind)),
        };
        self.note_alarms(alarm.luminaire);
    }

    fn note_alarms(&mut self, id: LuminaireId) {
        let any = self.alarm(id).is_some();
        let index = id.0.wrapping_sub(1) as usize;
        if let Some(lamp) = self.lamps.get_mut(index) {
            lamp.alarm = any;
            self.note_look(index, self.city_now());
        }
    }

    /// The lamps changed since the last call, if any.
    pub(crate) fn take_changes(&mut self) -> Option<String> {
        let changed = std::mem::take(&mut self.changed);
        (!changed.is_empty()).then(|| self.updates(changed))
    }

    /// All lamps.
    pub(crate) fn snapshot(&self) -> String {
        self.updates(0..self.lamps.len())
    }

    fn updates(&self, which: impl IntoIterator<Item = usize>) -> String {
        let update = |index: usize| {
            let Look { actual, in_effect, flags } = self.lamps[index].look();
            [index, actual.into(), in_effect.into(), flags.into()]
        };
        let updates: Vec<_> = which.into_iter().map(update).collect();
        json!({ "u": updates }).to_string()
    }

    /// The clock, and the sun of its day.
    pub(crate) fn clock_event(&self) -> Option<Value> {
        let clock = self.clock?;
        let wall = wall_now();
        let city = clock.city_at(wall);
        let day = city.local_day();
        Some(json!({
            "city_ms": city, "wall_ms": wall, "speed": clock.speed, "paused": clock.paused,
            "stands_at_ms": clock.stands_at,
            "sunset_ms": self.astro.sunset(day), "sunrise_ms": self.astro.sunrise(day),
        }))
    }

    /// The figures.
    pub(crate) fn stats(&mut self) -> Value {
        let now = wall_now();
        let (before, at) = std::mem::replace(&mut self.messages_before, (self.messages, now));
        let passed_ms = now.millis_since(at).max(1) as u64;
        let lamps = self.lamp_figures();
        let refused = self.counters.as_ref().map_or(0, |counters| {
            [
                &counters.refused_connects,
                &counters.refused_publishes,
                &counters.refused_subscribes,
                &counters.limited,
            ]
            .map(|count| count.load(Ordering::Relaxed))
            .iter()
            .sum()
        });
        let power_w = lamps.power_mw / 1_000;
        if self.clock.is_some() {
            self.past.measure(Point { at: self.city_now(), power_w, lit: lamps.lit });
        }
        json!({
            "messages_per_s": (self.messages - before) * 1_000 / passed_ms,
            "dead_letters": self.dead_letters,
            "refused": refused,
            "connected": lamps.online,
            "lit": lamps.lit,
            "power_w": power_w,
            "energy_kwh": lamps.energy_kwh,
            "alarms_open": lamps.alarms,
            "incidents_open": self.incidents.len(),
            "past_from_ms": self.past.begins(),
        })
    }

    /// All lamps in figures.
    pub(crate) fn lamp_figures(&self) -> LampFigures {
        let telemetry = || self.lamps.iter().filter_map(|lamp| Some(lamp.telemetry.as_ref()?.body));
        LampFigures {
            online: self.lamps.iter().filter(|lamp| lamp.online).count(),
            lit: self.lamps.iter().filter(|lamp| lamp.is_lit()).count(),
            power_mw: telemetry().map(|body| u64::from(body.power_mw)).sum(),
            // As floats: a luminaire may claim any number, and a sum must not overflow.
            energy_kwh: telemetry().map(|body| body.energy_mwh as f64 / 1e6).sum(),
            alarms: self.alarms.len(),
        }
    }
}
