//! What the bus has told so far, as the pages show it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use eid::{EidEvent, KeyState, PublicKey};
use lighting::{
    Alarm, AlarmChange, AlarmKind, DimCommand, Incident, IncidentKind, LightState, Mode, Report, Telemetry,
};
use medpay::{Entry, LimitRule, PayEvent};
use scenario::Cast;
use serde_json::{Value, json};
use types::{LuminaireId, Timestamp};
use wire::{ClockState, Event, EventBody, Light, Message, RoleName, WalkEvent};

use super::bills::RecentBills;
use crate::broker::Counters;
use crate::time::wall_now;

/// Points of history kept for one lamp.
const HISTORY_MAX: usize = 240;
/// Commands remembered for one lamp.
const COMMANDS_MAX: usize = 12;

/// The city as heard on the bus.
#[derive(Debug)]
pub(crate) struct View {
    lamps: Vec<LampView>,
    changed: BTreeSet<usize>,
    alarms: BTreeMap<(LuminaireId, AlarmKind), Timestamp>,
    clock: Option<ClockState>,
    /// The issuer's keys.
    keys: Vec<PublicKey>,
    astro: Arc<lighting::AstroTable>,
    plane: city::Plane,
    messages: u64,
    messages_before: (u64, Timestamp),
    dead_letters: u64,
    counters: Option<Arc<Counters>>,
    pub(crate) bills: RecentBills,
}

/// One lamp as heard on the bus.
#[derive(Clone, Debug, Default)]
pub(crate) struct LampView {
    pub(crate) online: bool,
    pub(crate) state: Option<Report<LightState>>,
    pub(crate) telemetry: Option<Report<Telemetry>>,
    pub(crate) history: VecDeque<(Timestamp, u8, u32)>,
    pub(crate) commands: VecDeque<(DimCommand, &'static str, Timestamp)>,
    alarm: bool,
}

impl LampView {
    fn remember(&mut self) {
        let Some(state) = &self.state else { return };
        let power = self.telemetry.as_ref().map_or(0, |report| report.body.power_mw);
        let at = self.telemetry.as_ref().map_or(state.stamp.ts, |report| report.stamp.ts.max(state.stamp.ts));
        if self.history.len() == HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back((at, state.body.actual.percent(), power));
    }

    /// Index, actual, in effect, flags: what the map needs.
    fn update(&self, index: usize) -> Value {
        let (actual, in_effect, mode) = self.state.as_ref().map_or((0, 0, Mode::Default), |report| {
            (report.body.actual.percent(), report.body.in_effect.percent(), report.body.mode)
        });
        let flags = u8::from(self.online)
            | u8::from(self.alarm) << 1
            | u8::from(mode == Mode::Override) << 2
            | u8::from(mode == Mode::Sensor) << 3;
        json!([index, actual, in_effect, flags])
    }
}

impl View {
    pub(crate) fn new(cast: &Cast, counters: Option<Arc<Counters>>) -> Self {
        Self {
            lamps: vec![LampView::default(); cast.plan().luminaires().len()],
            changed: BTreeSet::new(),
            alarms: BTreeMap::new(),
            clock: None,
            keys: Vec::new(),
            astro: cast.astro().clone(),
            plane: *cast.plan().plane(),
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
        self.alarms.iter().find(|((luminaire, _), _)| *luminaire == id).map(|((_, kind), at)| (*kind, *at))
    }

    /// Alarms that have not ended.
    pub(crate) fn alarms(&self) -> Value {
        self.alarms
            .iter()
            .map(|((luminaire, kind), at)| json!({ "luminaire": luminaire, "kind": kind, "raised_ms": at }))
            .collect()
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
                let places = walkers.iter().map(|walker| self.plane.point(walker.at));
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
        match body {
            Light::State(report) => {
                if lamp.state.as_ref().is_some_and(|known| known.stamp > report.stamp) {
                    return;
                }
                lamp.state = Some(report.clone());
                lamp.remember();
            }
            Light::Telemetry(report) => {
                lamp.telemetry = Some(report.clone());
                lamp.remember();
            }
            Light::Online(online) => lamp.online = *online,
            Light::Command(command) => {
                if lamp.commands.len() == COMMANDS_MAX {
                    lamp.commands.pop_front();
                }
                lamp.commands.push_back((command.clone(), "sent", now));
            }
            Light::Ack(report) => {
                let status = match report.body.result {
                    lighting::AckResult::Done => "successful",
                    lighting::AckResult::Expired | lighting::AckResult::Failed => "failed",
                };
                let asked =
                    lamp.commands.iter_mut().rev().find(|(command, ..)| command.id == report.body.command);
                if let Some(entry) = asked {
                    entry.1 = status;
                }
            }
            Light::Programme(_) | Light::Firmware(_) | Light::FirmwareOrder(_) => {}
        }
        self.changed.insert(index);
    }

    fn take_alarm(&mut self, alarm: Alarm, at: Timestamp) {
        match alarm.change {
            AlarmChange::Raised => self.alarms.insert((alarm.luminaire, alarm.kind), at),
            AlarmChange::Cleared => self.alarms.remove(&(alarm.luminaire, alarm.kind)),
        };
        let any = self.alarms.keys().any(|(luminaire, _)| *luminaire == alarm.luminaire);
        let index = alarm.luminaire.0.wrapping_sub(1) as usize;
        if let Some(lamp) = self.lamps.get_mut(index) {
            lamp.alarm = any;
            self.changed.insert(index);
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
        let updates: Vec<Value> = which.into_iter().map(|index| self.lamps[index].update(index)).collect();
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
            "sunset_ms": self.astro.sunset(day), "sunrise_ms": self.astro.sunrise(day),
        }))
    }

    /// The figures.
    pub(crate) fn stats(&mut self) -> Value {
        let now = wall_now();
        let (before, at) = std::mem::replace(&mut self.messages_before, (self.messages, now));
        let passed_ms = now.millis_since(at).max(1) as u64;
        let telemetry = || self.lamps.iter().filter_map(|lamp| Some(lamp.telemetry.as_ref()?.body));
        let lit = self.lamps.iter().filter(|lamp| lamp.is_lit()).count();
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
        json!({
            "messages_per_s": (self.messages - before) * 1_000 / passed_ms,
            "dead_letters": self.dead_letters,
            "refused": refused,
            "connected": self.lamps.iter().filter(|lamp| lamp.online).count(),
            "lit": lit,
            "power_w": telemetry().map(|body| u64::from(body.power_mw)).sum::<u64>() / 1_000,
            // As floats: a luminaire may claim any number, and a sum must not overflow.
            "energy_kwh": telemetry().map(|body| body.energy_mwh as f64 / 1e6).sum::<f64>(),
            "alarms_open": self.alarms.len(),
        })
    }
}

impl LampView {
    fn is_lit(&self) -> bool {
        self.state.as_ref().is_some_and(|report| report.body.actual.percent() > 0)
    }
}

fn alarm_summary(alarm: &Alarm) -> (String, String) {
    let words = match alarm.kind {
        AlarmKind::LampFailure => ("lamp failure", "灯具故障"),
        AlarmKind::LampUnexpectedOn => ("burns when it should be off", "白天亮灯"),
        AlarmKind::RelayFailure => ("relay failure", "继电器故障"),
        AlarmKind::DimmingFailure => ("dimming failure", "调光故障"),
        AlarmKind::CyclingFailure => ("goes on and off", "反复开关"),
        AlarmKind::MeterFailure => ("meter reading is wrong", "电表停走"),
        AlarmKind::ClockFailure => ("clock is wrong", "时钟错误"),
        AlarmKind::CommunicationFailure => ("not heard of", "通信中断"),
        AlarmKind::SupplyLoss => ("no supply", "失电"),
        AlarmKind::SupplyVoltageTooLow => ("mains voltage too low", "供电电压过低"),
        AlarmKind::PowerFactorTooLow => ("power factor too low", "功率因数过低"),
        AlarmKind::LampPowerTooLow => ("draws too little power", "灯具功率过低"),
        AlarmKind::ControlGearFailure => ("driver dead", "驱动器故障"),
        AlarmKind::ControlGearCommFailure => ("driver does not answer", "驱动器通信故障"),
        AlarmKind::ThermalDerating => ("driver hot, less light", "驱动器过热降额"),
        AlarmKind::ThermalShutdown => ("driver too hot, off", "驱动器过热关断"),
        AlarmKind::Flooding => ("floods the bus", "消息泛滥"),
        AlarmKind::Complaint => ("people say that it is broken", "市民报修"),
        AlarmKind::DuplicateIdentity => ("two devices have this name", "身份重复"),
    };
    changed(alarm.change, &alarm.luminaire.to_string(), words)
}

fn incident_summary(incident: &Incident) -> (String, String) {
    let words = match incident.kind {
        IncidentKind::CommunicationFailure => ("not heard of", "通信中断"),
        IncidentKind::SupplyLoss => ("no supply", "失电"),
        IncidentKind::SupplyVoltageTooLow => ("voltage is too low", "电压过低"),
        IncidentKind::CircuitBreakerTripped => ("breaker has tripped", "断路器跳闸"),
        IncidentKind::CabinetDoorOpen => ("door is open", "柜门打开"),
        IncidentKind::SwitchingErrorOn => ("contactor does not close", "接触器拒合"),
        IncidentKind::SwitchingErrorOff => ("contactor does not open", "接触器拒分"),
    };
    let Incident { cabinet, phases, luminaires, .. } = incident;
    let part = if phases.is_empty() { String::new() } else { format!(" {phases}") };
    changed(incident.change, &format!("{cabinet}{part} ({luminaires})"), words)
}

fn changed(change: AlarmChange, what: &str, (en, zh): (&str, &str)) -> (String, String) {
    match change {
        AlarmChange::Raised => (format!("{what}: {en}"), format!("{what}：{zh}")),
        AlarmChange::Cleared => (format!("{what}: {en} is over"), format!("{what}：{zh}已恢复")),
    }
}

/// One line about an event, in English and Chinese.
pub(crate) fn summary(event: &Event) -> (String, String) {
    match &event.body {
        EventBody::Alarm(alarm) => alarm_summary(alarm),
        EventBody::Incident(incident) => incident_summary(incident),
        EventBody::Eid(event) => match event {
            EidEvent::Enrolled { resident } => (format!("{resident} enrolled"), format!("{resident} 已注册")),
            EidEvent::Issued { resident, .. } => {
                (format!("{resident}: code issued"), format!("{resident}：已签发"))
            }
            EidEvent::Verified { resident, verifier } => {
                (format!("{verifier} accepted {resident}"), format!("{verifier} 核验通过 {resident}"))
            }
            EidEvent::Rejected { verifier, reason } => {
                (format!("{verifier} refused a code: {reason:?}"), format!("{verifier} 拒绝：{reason:?}"))
            }
        },
        EventBody::Pay(event) => paid(event),
        EventBody::Walk(event) => match event {
            WalkEvent::Departed { resident, provider } => {
                (format!("{resident} walks to {provider}"), format!("{resident} 前往 {provider}"))
            }
            WalkEvent::Arrived { resident, provider } => {
                (format!("{resident} is at {provider}"), format!("{resident} 到达 {provider}"))
            }
        },
    }
}

fn paid(event: &PayEvent) -> (String, String) {
    match event {
        PayEvent::BillCreated { provider, total, .. } => {
            (format!("{provider}: bill of ¥{total}"), format!("{provider}：账单 ¥{total}"))
        }
        PayEvent::BillPresettled { split, .. } => (
            format!("presettled: fund ¥{}, account ¥{}, cash ¥{}", split.pool, split.account, split.cash),
            format!("预结算：统筹 ¥{}，个账 ¥{}，现金 ¥{}", split.pool, split.account, split.cash),
        ),
        PayEvent::BillSettled { provider, split, .. } => {
            (format!("{provider}: ¥{} settled", split.total), format!("{provider}：已结算 ¥{}", split.total))
        }
        PayEvent::BillReversed { provider, split, .. } => (
            format!("{provider}: ¥{} taken back", split.total),
            format!("{provider}：已冲正 ¥{}", split.total),
        ),
        PayEvent::BillReleased { .. } => {
            ("cash not paid, all is let go".to_owned(), "现金未付，已释放".to_owned())
        }
        PayEvent::SettlementRefused { refusal, .. } => {
            (format!("not settled: {refusal}"), format!("未结算：{refusal}"))
        }
        PayEvent::AccountDebited(Entry { beneficiary, amount, .. }) => {
            (format!("account of {beneficiary}: ¥{amount} paid"), format!("{beneficiary} 个账支出 ¥{amount}"))
        }
        PayEvent::AccountCredited(Entry { beneficiary, amount, .. }) => (
            format!("account of {beneficiary}: ¥{amount} given back"),
            format!("{beneficiary} 个账退回 ¥{amount}"),
        ),
        PayEvent::RiskFlagged { beneficiary, rule, .. } => {
            let (limit, zh) = match rule {
                LimitRule::Daily => ("daily limit", "每日限额"),
                LimitRule::Hourly => ("hourly limit", "每小时限次"),
                LimitRule::Offline => ("limit of the terminal", "终端离线限额"),
            };
            (format!("{beneficiary}: over the {limit}"), format!("{beneficiary}：超出{zh}"))
        }
        PayEvent::ReconClosed { provider, day, paid_out } => (
            format!("{provider}: {day} closed, ¥{paid_out} paid out"),
            format!("{provider}：{day} 已结账，拨付 ¥{paid_out}"),
        ),
        PayEvent::ReconDiff { provider, day, .. } => {
            (format!("{provider}: the books of {day} differ"), format!("{provider}：{day} 对账不符"))
        }
    }
}
