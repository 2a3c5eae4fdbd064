//! Makes happen what the timeline says.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU8;
use std::sync::Arc;

use city::{LuminaireSite, Plan};
use eid::Readers;
use lighting::{
    CabinetEvent, CampaignRequest, Circuit, Control, DimLevel, DimRequest, Fault, GroupDimRequest,
    SwitchCommand,
};
use types::{CabinetId, GroupId, LuminaireId, ProviderId, ReplyTo, ResidentId, Timestamp};
use wire::{FaultOrder, Message, MessageIds, Reply, Request, RequestBody, RoleName, Segment, WalkRequest};

use crate::expr::Operand;
use crate::judge::Moment;
use crate::order::{Clients, Direction, Disturbance, Effect, Luminaires, Order};

mod showings;

pub(crate) use showings::ShowDeed;
use showings::{Showings, Step};

/// One step of a timeline.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(crate) start: Start,
    pub(crate) deed: Deed,
}

/// When an act begins.
#[derive(Clone, Debug)]
pub(crate) enum Start {
    At(Timestamp),
    /// Some time after this is first seen.
    When {
        operand: Operand,
        delay_ms: i64,
    },
}

/// Which luminaires.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    Range(Luminaires),
    Cabinet(CabinetId),
}

/// Which luminaires the CMS is asked to override.
#[derive(Clone, Debug)]
pub(crate) enum Dimmed {
    /// Each with a request of its own.
    Each(Luminaires),
    /// All with one request.
    Group(GroupId),
}

/// What an act does.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Break(Which, Fault),
    Repair(Which),
    Clean(Which),
    /// Without a level: end the override.
    Dim {
        whom: Dimmed,
        level: Option<DimLevel>,
        minutes: Option<u32>,
    },
    Update(CampaignRequest),
    Walk {
        resident: ResidentId,
        provider: ProviderId,
        nights: Option<NonZeroU8>,
    },
    Show(ShowDeed),
    Disturb {
        who: Clients,
        direction: Direction,
        effect: Effect,
        for_ms: i64,
    },
    BrokerOutage(i64),
    Crash(RoleName, i64),
    Drift {
        lamps: Luminaires,
        ppm: i32,
        step_ms: i64,
    },
    AtCabinet(CabinetId, AtCabinet),
}

/// What is done at a cabinet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AtCabinet {
    Events([Option<CabinetEvent>; 2]),
    Switch { circuits: [Option<Circuit>; 2], control: Control, for_ms: Option<i64> },
}

impl Deed {
    /// Whether only virtual time can do it.
    pub(crate) fn is_virtual_only(&self) -> bool {
        matches!(self, Self::Disturb { .. } | Self::BrokerOutage(_) | Self::Crash(..) | Self::Drift { .. })
    }
}

/// Plays a timeline.
#[derive(Debug)]
pub(crate) struct Director {
    plan: Arc<Plan>,
    ids: MessageIds,
    /// What happens when, in the order of the file within one moment.
    due: BTreeMap<(Timestamp, usize), Deed>,
    waiting: Vec<(Operand, i64, Deed)>,
    next: usize,
    showings: Showings,
    questions: u32,
    /// What became due by an answer, to be sent at the next chance.
    outbox: VecDeque<Message>,
}

impl Director {
    pub(crate) fn new(plan: Arc<Plan>, readers: Arc<Readers>, acts: Vec<Act>) -> Self {
        let ids = MessageIds::new(plan.spec().seed.stream("message ids of scenario", 1));
        let mut director = Self {
            showings: Showings::new(plan.clone(), readers),
            plan,
            ids,
            due: BTreeMap::new(),
            waiting: Vec::new(),
            next: 0,
            questions: 0,
            outbox: VecDeque::new(),
        };
        for act in acts {
            match act.start {
                Start::At(at) => director.plan_deed(at, act.deed),
                Start::When { operand, delay_ms } => director.waiting.push((operand, delay_ms, act.deed)),
            }
        }
        director
    }

    /// Acts that wait for something that was never seen.
    pub(crate) fn never_begun(&self) -> usize {
        self.waiting.len()
    }

    /// When something is to be done next; now, if an answer has made something due.
    pub(crate) fn wakes_at(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.outbox.is_empty() {
            return Some(now);
        }
        self.due.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn observe(&mut self, moment: &Moment<'_>) {
        let now = moment.now;
        if let Some((_, Message::Reply(reply))) = moment.message {
            self.answered(now, reply);
        }
        let mut index = 0;
        while index < self.waiting.len() {
            if moment.shows(&self.waiting[index].0) {
                let (_, delay_ms, deed) = self.waiting.remove(index);
                self.plan_deed(now.plus_millis(delay_ms), deed);
            } else {
                index += 1;
            }
        }
    }

    pub(crate) fn wake(&mut self, now: Timestamp, orders: &mut Vec<Order>) {
        orders.extend(self.outbox.drain(..).map(Order::Send));
        while let Some(entry) = self.due.first_entry()
            && entry.key().0 <= now
        {
            let deed = entry.remove();
            self.act(now, deed, orders);
        }
    }

    fn plan_deed(&mut self, at: Timestamp, deed: Deed) {
        self.due.insert((at, self.next), deed);
        self.next += 1;
    }

    fn act(&mut self, now: Timestamp, deed: Deed, orders: &mut Vec<Order>) {
        match deed {
            Deed::Break(which, fault) => self.faults(which, FaultOrder::Break(fault), orders),
            Deed::Repair(which) => self.faults(which, FaultOrder::Repair, orders),
            Deed::Clean(which) => self.faults(which, FaultOrder::Clean, orders),
            Deed::Dim { whom: Dimmed::Each(lamps), level, minutes } => {
                for luminaire in each(lamps) {
                    let body = RequestBody::Dim(DimRequest { luminaire, level, minutes });
                    orders.push(Order::Send(self.ask(now, body).1));
                }
            }
            Deed::Dim { whom: Dimmed::Group(group), level, minutes } => {
                let body = RequestBody::DimGroup(GroupDimRequest { group, level, minutes });
                orders.push(Order::Send(self.ask(now, body).1));
            }
            Deed::Update(request) => {
                orders.push(Order::Send(self.ask(now, RequestBody::Firmware(request)).1));
            }
            Deed::Walk { resident, provider, nights } => {
                let body = RequestBody::Walk(WalkRequest { resident, provider, nights });
                orders.push(Order::Send(self.ask(now, body).1));
            }
            Deed::Show(deed) => {
                let step = self.showings.begin(deed);
                orders.extend(step.map(|step| Order::Send(self.take(now, step))));
            }
            Deed::Disturb { who, direction, effect, for_ms } => {
                let until = now.plus_millis(for_ms);
                orders.push(Order::Disturb(Disturbance { who, direction, until, effect }));
            }
            Deed::BrokerOutage(for_ms) => {
                orders.push(Order::BrokerOutage { until: now.plus_millis(for_ms) });
            }
            Deed::Crash(role, for_ms) => {
                orders.push(Order::Crash { role, until: now.plus_millis(for_ms) });
            }
            Deed::Drift { lamps, ppm, step_ms } => orders.push(Order::Drift { who: lamps, ppm, step_ms }),
            Deed::AtCabinet(cabinet, what) => self.at_cabinet(now, cabinet, what, orders),
        }
    }

    fn at_cabinet(&mut self, now: Timestamp, cabinet: CabinetId, what: AtCabinet, orders: &mut Vec<Order>) {
        let Some(district) = self.plan.cabinet(cabinet).map(|site| site.district) else { return };
        match what {
            AtCabinet::Events(events) => orders.extend(
                events
                    .into_iter()
                    .flatten()
                    .map(|event| Order::Send(Message::CabinetEvent { district, cabinet, event })),
            ),
            AtCabinet::Switch { circuits, control, for_ms } => {
                for circuit in circuits.into_iter().flatten() {
                    let id = self.ids.next(now).to_string().parse().expect("a UUID is a command id");
                    let until = for_ms.map(|for_ms| now.plus_millis(for_ms));
                    let command = SwitchCommand { id, circuit, control, until };
                    let body = Segment::Command(command);
                    orders.push(Order::Send(Message::Cabinet { district, cabinet, body }));
                }
            }
        }
    }

    fn faults(&self, which: Which, order: FaultOrder, orders: &mut Vec<Order>) {
        let meant = |site: &&LuminaireSite| match which {
            Which::Range(lamps) => lamps.contains(site.id),
            Which::Cabinet(cabinet) => site.cabinet == cabinet,
        };
        let message =
            |site: &LuminaireSite| Message::Fault { district: site.district, luminaire: site.id, order };
        orders.extend(self.plan.luminaires().iter().filter(meant).map(message).map(Order::Send));
    }

    fn answered(&mut self, now: Timestamp, reply: &Reply) {
        if *reply.to.path != *own_path() {
            return;
        }
        let Ok(question) = <[u8; 4]>::try_from(&*reply.to.correlation) else { return };
        let step = self.showings.go_on(u32::from_be_bytes(question), reply);
        let message = step.map(|step| self.take(now, step));
        self.outbox.extend(message);
    }

    fn take(&mut self, now: Timestamp, (body, showing): Step) -> Message {
        let (question, message) = self.ask(now, body);
        if let Some(showing) = showing {
            self.showings.wait(question, showing);
        }
        message
    }

    fn ask(&mut self, now: Timestamp, body: RequestBody) -> (u32, Message) {
        self.questions += 1;
        let reply_to = ReplyTo { path: own_path().into(), correlation: self.questions.to_be_bytes().into() };
        let id = self.ids.next(now);
        (self.questions, Message::Request(Request { id, time: now, reply_to, body }))
    }
}

/// Where answers to the scenario go, below `rsp/`.
fn own_path() -> String {
    format!("{}/act", RoleName::Scenario.client_id())
}

fn each(lamps: Luminaires) -> impl Iterator<Item = LuminaireId> {
    (lamps.first.0..=lamps.last.0).map(LuminaireId)
}
