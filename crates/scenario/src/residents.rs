use std::collections::BTreeMap;
use std::num::NonZeroU8;
use std::sync::Arc;

use city::{Plan, Route};
use eid::{EnrolReply, EnrolRequest, IssueReply, IssueRequest, Profile};
use medpay::{SettleRequest, VisitReply, VisitRequest};
use types::{BillId, Core, DAY_MS, ProviderId, ReplyTo, ResidentId, Stream, Timestamp};
use wire::{
    BusInput, Event, EventBody, Message, MessageIds, Reply, ReplyBody, Request, RequestBody, Role, RoleName,
    WalkEvent, WalkReply, Walker,
};

/// How fast people walk \[mm/s\].
const WALK_MM_PER_S: i64 = 1_300;
/// How often walkers are seen \[ms of the city's clock\].
const STEP_MS: i64 = 10_000;
/// How often someone leaves home of their own accord \[ms\].
const DEPARTURE_MS: i64 = 60_000;
/// People in the streets at once; beyond it nobody leaves home.
const WALKS_MAX: usize = 60;
/// How long someone waits at a counter for each answer before going home \[ms\]. Long: at ×600 it is a second.
const PATIENCE_MS: i64 = 600_000;

/// The residents in the streets: they walk to a provider, are treated, and pay with the code on their phone.
///
/// One in three walks of their own accord leads to a provider's counter; a [`RequestBody::Walk`] always does, or into
/// hospital for some nights. Those are counted by the provider's clock, which in a city that runs is the wall's.
#[derive(Debug)]
pub struct Residents {
    plan: Arc<Plan>,
    chance: Stream,
    ids: MessageIds,
    walks: BTreeMap<u32, Walk>,
    next_walk: u32,
    next_step: Option<Timestamp>,
    next_departure: Option<Timestamp>,
}

#[derive(Debug)]
struct Walk {
    resident: ResidentId,
    provider: ProviderId,
    /// How long they stay in hospital, if they do.
    nights: Option<NonZeroU8>,
    route: Route,
    departed: Timestamp,
    stage: Stage,
    /// When they give up waiting.
    patience: Timestamp,
}

/// Where a walk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// On the way, with or without an appointment.
    Walking { to_counter: bool },
    /// At the counter, or in hospital: waits for the bill.
    Billing,
    /// Waits for the phone to be enrolled.
    Enrolling(BillId),
    /// Waits for a code.
    Issuing(BillId),
    /// Waits for the till.
    Paying,
}

impl Residents {
    /// The residents of `plan`.
    pub fn new(plan: Arc<Plan>, chance: Stream, ids: MessageIds) -> Self {
        Self {
            plan,
            chance,
            ids,
            walks: BTreeMap::new(),
            next_walk: 1,
            next_step: None,
            next_departure: None,
        }
    }

    fn depart(
        &mut self,
        now: Timestamp,
        (resident, provider, nights): (ResidentId, ProviderId, Option<NonZeroU8>),
        to_counter: bool,
        out: &mut Vec<Message>,
    ) -> WalkReply {
        if self.walks.len() >= WALKS_MAX {
            return WalkReply::Busy;
        }
        let home = city::Residents::new(&self.plan).get(resident).map(|citizen| citizen.home);
        let (Some(home), Some(clinic)) = (home, self.plan.clinic(provider)) else {
            return WalkReply::Unknown;
        };
        let route = self.plan.route(home, (clinic.x_m, clinic.y_m));
        let stage = Stage::Walking { to_counter };
        let walk = Walk { resident, provider, nights, route, departed: now, stage, patience: now };
        self.walks.insert(self.next_walk, walk);
        self.next_walk += 1;
        self.next_step.get_or_insert(now);
        out.push(self.event(now, WalkEvent::Departed { resident, provider }));
        WalkReply::Departed
    }

    /// Moves everyone, shows them to the sensors, and lets those who are there do what they came for.
    fn step(&mut self, now: Timestamp, out: &mut Vec<Message>) {
        let mut walkers = Vec::new();
        let mut arrived = Vec::new();
        for (&number, walk) in &self.walks {
            if !matches!(walk.stage, Stage::Walking { .. }) {
                continue;
            }
            let walked_m = (now.millis_since(walk.departed) * WALK_MM_PER_S) as f64 / 1e6;
            let (x, y) = walk.route.at(walked_m);
            walkers.push(Walker { walk: number, at: self.plan.plane().place((x, y)) });
            if walked_m >= walk.route.length_m() {
                arrived.push(number);
            }
        }
        out.push(Message::Presence(walkers));
        for number in arrived {
            self.arrive(now, number, out);
        }
        self.walks.retain(|_, walk| matches!(walk.stage, Stage::Walking { .. }) || now < walk.patience);
        self.next_step = (!self.walks.is_empty()).then(|| now.plus_millis(STEP_MS));
    }

    fn arrive(&mut self, now: Timestamp, number: u32, out: &mut Vec<Message>) {
        let Some(walk) = self.walks.get_mut(&number) else { return };
        let (resident, provider) = (walk.resident, walk.provider);
        if walk.stage == (Stage::Walking { to_counter: false }) {
            self.walks.remove(&number);
        } else {
            walk.stage = Stage::Billing;
            let nights = walk.nights;
            walk.patience =
                now.plus_millis(nights.map_or(0, |nights| i64::from(nights.get())) * DAY_MS + PATIENCE_MS);
            let visit = VisitRequest { provider, beneficiary: resident, nights };
            out.push(self.ask(now, number, RequestBody::Visit(visit)));
        }
        out.push(self.event(now, WalkEvent::Arrived { resident, provider }));
    }

    /// The next step of a visit: bill → enrol → code → till → home.
    fn answered(&mut self, now: Timestamp, reply: Reply, out: &mut Vec<Message>) {
        let Some(number) = walk_of(&reply.to) else { return };
        let Some(walk) = self.walks.get_mut(&number) else { return };
        let resident = walk.resident;
        let issue = RequestBody::Issue(IssueRequest { resident, profile: Profile::Name });
        let (stage, body) = match (walk.stage, reply.body) {
            (Stage::Billing, ReplyBody::Visit(VisitReply::Billed { bill, .. })) => {
                let Some(enrol) = self.enrolment(resident) else { return };
                (Stage::Enrolling(bill), RequestBody::Enrol(enrol))
            }
            (Stage::Enrolling(bill), ReplyBody::Enrol(EnrolReply::Enrolled(_))) => {
                (Stage::Issuing(bill), issue)
            }
            (Stage::Issuing(bill), ReplyBody::Issue(IssueReply::Issued { code, .. })) => {
                (Stage::Paying, RequestBody::Till(SettleRequest::new(bill, code.0)))
            }
            // Paid, or refused: either way they go home.
            (Stage::Paying, ReplyBody::Till(_))
            | (_, ReplyBody::Visit(_) | ReplyBody::Enrol(_) | ReplyBody::Issue(_)) => {
                self.walks.remove(&number);
                return;
            }
            _ => return,
        };
        if let Some(walk) = self.walks.get_mut(&number) {
            walk.stage = stage;
            walk.patience = now.plus_millis(PATIENCE_MS);
        }
        out.push(self.ask(now, number, body));
    }

    fn enrolment(&self, resident: ResidentId) -> Option<EnrolRequest> {
        let person = city::Residents::new(&self.plan).get(resident)?.person;
        Some(EnrolRequest { resident_no: person.number.as_str().to_owned(), name: person.name_zh })
    }

    /// Someone leaves home of their own accord.
    fn stroll(&mut self, now: Timestamp, out: &mut Vec<Message>) {
        self.next_departure = Some(now.plus_millis(DEPARTURE_MS));
        let clinics = self.plan.clinics().len() as u64;
        if clinics == 0 {
            return;
        }
        let resident = ResidentId(1 + self.chance.below(u64::from(self.plan.spec().residents)) as u32);
        let provider = ProviderId(1 + self.chance.below(clinics) as u32);
        let to_counter = self.chance.below(3) == 0;
        self.depart(now, (resident, provider, None), to_counter, out);
    }

    fn ask(&mut self, now: Timestamp, walk: u32, body: RequestBody) -> Message {
        let path = format!("{}/walk", RoleName::Residents.client_id());
        let reply_to = ReplyTo { path: path.into(), correlation: walk.to_be_bytes().into() };
        Message::Request(Request { id: self.ids.next(now), time: now, reply_to, body })
    }

    fn event(&mut self, now: Timestamp, event: WalkEvent) -> Message {
        Message::Event(Event { id: self.ids.next(now), time: now, body: EventBody::Walk(event) })
    }
}

fn walk_of(to: &ReplyTo) -> Option<u32> {
    Some(u32::from_be_bytes(to.correlation.as_ref().try_into().ok()?))
}

impl Core for Residents {
    type Input = BusInput;
    type Output = Message;

    fn handle(&mut self, now: Timestamp, bus: BusInput, out: &mut Vec<Message>) {
        match bus {
            BusInput::Connected => {
                self.next_departure.get_or_insert(now.plus_millis(DEPARTURE_MS));
            }
            BusInput::Message(Message::Request(request)) => {
                let RequestBody::Walk(walk) = request.body else { return };
                let reply = self.depart(now, (walk.resident, walk.provider, walk.nights), true, out);
                out.push(Message::Reply(Reply {
                    to: request.reply_to,
                    time: now,
                    body: ReplyBody::Walk(reply),
                }));
            }
            BusInput::Message(Message::Reply(reply)) => self.answered(now, reply, out),
            BusInput::Message(_) => {}
        }
    }

    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Message>) {
        if self.next_departure.is_some_and(|due| due <= now) {
            self.stroll(now, out);
        }
        if self.next_step.is_some_and(|due| due <= now) {
            self.step(now, out);
        }
    }

    fn next_timeout(&self) -> Option<Timestamp> {
        [self.next_departure, self.next_step].into_iter().flatten().min()
    }
}

impl Role for Residents {
    fn name(&self) -> RoleName {
        RoleName::Residents
    }

    fn filters(&self) -> Vec<&'static str> {
        vec!["rpc/residents/#"]
    }
}
