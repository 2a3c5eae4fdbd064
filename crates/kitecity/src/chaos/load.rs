//! Those who use the city meanwhile: tills, counters, operators of lamps. All of them ask until they are answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use eid::{EnrolRequest, IssueReply, IssueRequest, Profile};
use services::Link;
use services::operator::Operator;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use types::{DistrictId, LuminaireId, ResidentId, Seed, Stream};
use wire::{ReplyBody, RequestBody};

use super::record::Record;
use super::town::Lives;
use crate::up::City;

mod counters;
mod lamps;
mod tills;

pub(super) use lamps::{break_as_told, light, vandals};

/// Clients of each kind.
const TILLS: u64 = 6;
const COUNTERS: u64 = 4;
const OPERATORS: u64 = 4;
/// How long a client waits for an answer before it asks again.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it waits before it asks again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// How often a client asks the same, at most: two minutes.
const TRIES_MAX: u32 = 60;
/// How long the city may take to let clients in.
const JOIN_WITHIN: Duration = Duration::from_secs(90);

/// What all clients share.
#[derive(Clone)]
pub(super) struct Load {
    pub(super) city: Arc<City>,
    pub(super) link: Link,
    pub(super) seed: Seed,
    pub(super) record: Record,
    pub(super) lives: Lives,
    /// Whether they are to come to an end.
    pub(super) over: watch::Receiver<bool>,
}

/// One client of the city.
pub(super) struct Client {
    load: Load,
    operator: Operator,
    number: u64,
    chance: Stream,
}

impl Load {
    /// Lets them all begin; they end when they are done with what they are at after `over` says so.
    pub(super) async fn begin(&self) -> Result<tokio::task::JoinSet<()>> {
        let mut clients = tokio::task::JoinSet::new();
        for number in 0..TILLS {
            clients.spawn(tills::run(self.client("till", number).await?));
        }
        for number in 0..COUNTERS {
            clients.spawn(counters::run(self.client("counter", number).await?));
        }
        for number in 0..OPERATORS {
            let lamps = lamps::share(&self.city, number, OPERATORS);
            clients.spawn(lamps::run(self.client("lamps", number).await?, lamps));
        }
        clients.spawn(lamps::vandalise(self.client("vandal", 0).await?));
        Ok(clients)
    }

    /// A client that is on the bus.
    pub(super) async fn client(&self, what: &str, number: u64) -> Result<Client> {
        let began = Instant::now();
        let operator = loop {
            match Operator::join(&self.link, None).await {
                Ok(operator) => break operator,
                Err(error) if began.elapsed() > JOIN_WITHIN => {
                    return Err(error).context("the city does not let clients in");
                }
                Err(_) => sleep(AGAIN_AFTER).await,
            }
        };
        let chance = self.seed.stream(what, number);
        Ok(Client { load: self.clone(), operator, number, chance })
    }

    pub(super) fn districts(&self) -> &BTreeMap<LuminaireId, DistrictId> {
        self.city.cast.directory()
    }
}

impl Client {
    fn is_over(&self) -> bool {
        *self.load.over.borrow()
    }

    fn record(&self) -> &Record {
        &self.load.record
    }

    /// A name for a question that nobody else gives to one.
    fn correlation(&mut self) -> Box<[u8]> {
        self.chance.bytes::<16>().into()
    }

    /// Asks until there is an answer, each time as the same question.
    async fn ask(&self, correlation: &[u8], body: &RequestBody) -> Option<ReplyBody> {
        for _ in 0..TRIES_MAX {
            let asking = self.operator.follow_as(correlation.into(), body.clone(), PATIENCE, |_| true);
            if let Ok(answer) = asking.await {
                return Some(answer);
            }
            self.record().lock().retries += 1;
            sleep(AGAIN_AFTER).await;
        }
        None
    }

    /// The same under a new name.
    async fn ask_anew(&mut self, body: &RequestBody) -> Option<ReplyBody> {
        let correlation = self.correlation();
        self.ask(&correlation, body).await
    }

    /// A fresh code of a resident, who is enrolled if need be.
    async fn code(&mut self, resident: ResidentId) -> Option<String> {
        let issue = RequestBody::Issue(IssueRequest { resident, profile: Profile::Name });
        for _ in 0..2 {
            match self.ask_anew(&issue).await? {
                ReplyBody::Issue(IssueReply::Issued { code, .. }) => return Some(code.0),
                ReplyBody::Issue(IssueReply::NotEnrolled) => self.enrol(resident).await?,
                _ => return None,
            }
        }
        None
    }

    async fn enrol(&mut self, resident: ResidentId) -> Option<()> {
        let person = city::Residents::new(self.load.city.cast.plan()).get(resident)?.person;
        let request = EnrolRequest { resident_no: person.number.as_str().to_owned(), name: person.name_zh };
        self.ask_anew(&RequestBody::Enrol(request)).await.map(drop)
    }

    /// One of the residents; no other client of the kind serves the same.
    fn resident(&mut self, kinds: u64) -> ResidentId {
        let residents = u64::from(self.load.city.cast.plan().spec().residents);
        let places = (residents / kinds).max(1);
        ResidentId((1 + (self.chance.below(places) * kinds + self.number) % residents) as u32)
    }
}
