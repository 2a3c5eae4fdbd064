//! What the streets show: the state of each luminaire, and the alarms, as somebody sees them who only listens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lighting::{Alarm, AlarmChange, AlarmKind, AlarmSet, LightState};
use services::Link;
use services::access::Secret;
use services::bus::{BusClient, BusEvent, ClientOptions, Received};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use types::LuminaireId;
use uuid::Uuid;
use wire::{Event, EventBody, Light, Message, RoleName, decode, prefix};

use super::blows::Part;
use super::town::Lives;

/// Events that wait to be looked at.
const EVENTS_MAX: usize = 65_536;
/// How often a state that is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What is seen. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Streets(Arc<Mutex<Seen>>);

/// All of it.
#[derive(Debug)]
pub(crate) struct Seen {
    lives: Lives,
    lamps: BTreeMap<LuminaireId, Lamp>,
    /// What was last said of each alarm.
    alarms: BTreeMap<(LuminaireId, AlarmKind), Told>,
    /// Events that were seen: one may come twice, and counts once.
    events: BTreeSet<Uuid>,
    /// Alarms that were raised while they stood, though no part had died since that may have forgotten them.
    pub(crate) doubled: Vec<Alarm>,
}

#[derive(Debug, Default)]
struct Lamp {
    /// Since when it is there.
    online: Option<Instant>,
    state: Option<LightState>,
    standing: AlarmSet,
}

/// An alarm, and in which lives of broker, CMS and fleet it was raised or ended.
#[derive(Debug)]
struct Told {
    change: AlarmChange,
    lives: [u32; 3],
}

impl Streets {
    /// Listens from now on, as operator `name`.
    pub(crate) fn watch(name: &str, link: &Link, secret: &Secret, lives: Lives) -> Self {
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let below = prefix(link.run);
        let filters = ["light/+/+/up/state", "light/+/+/status", "light/+/+/alarms", "evt/lighting/#"];
        let options = ClientOptions {
            address: link.address.clone(),
            client_id: format!("operator-{name}"),
            credentials: Some(("operator".to_owned(), secret.password_for("operator"))),
            device: false,
            will: None,
            filters: filters.map(|filter| format!("{below}{filter}")).to_vec(),
        };
        let seen = Seen {
            lives,
            lamps: BTreeMap::new(),
            alarms: BTreeMap::new(),
            events: BTreeSet::new(),
            doubled: Vec::new(),
        };
        let streets = Self(Arc::new(Mutex::new(seen)));
        let client = BusClient::spawn(options, (), sender);
        tokio::spawn(streets.clone().listen(link.clone(), client, events));
        streets
    }

    /// Also holds the client, which says nothing.
    async fn listen(self, link: Link, _client: BusClient, mut events: mpsc::Receiver<((), BusEvent)>) {
        while let Some(((), event)) = events.recv().await {
            if let BusEvent::Message(received) = event {
                self.lock().take(&link, &received);
            }
        }
    }

    /// What is seen now.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `wrong` finds nothing, and tells after how long; otherwise what it still finds.
    pub(crate) async fn until(
        &self,
        within: Duration,
        wrong: impl Fn(&Seen) -> Vec<String>,
    ) -> Result<Duration, Vec<String>> {
        let began = Instant::now();
        loop {
            let found = wrong(&self.lock());
            if found.is_empty() {
                return Ok(began.elapsed());
            }
            if began.elapsed() > within {
                return Err(found);
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

impl Seen {
    fn take(&mut self, link: &Link, received: &Received) {
        match decode(link.run, received.delivery()) {
            Ok(Message::Light { luminaire, body: Light::State(report), .. }) => {
                self.lamps.entry(luminaire).or_default().state = Some(report.body);
            }
            Ok(Message::Light { luminaire, body: Light::Online(online), .. }) => {
                let lamp = self.lamps.entry(luminaire).or_default();
                lamp.online = online.then(|| lamp.online.unwrap_or_else(Instant::now));
            }
            Ok(Message::Light { luminaire, body: Light::Alarms(standing), .. }) => {
                self.lamps.entry(luminaire).or_default().standing = standing;
            }
            Ok(Message::Event(Event { id, body: EventBody::Alarm(alarm), .. })) if self.events.insert(id) => {
                self.alarm(alarm);
            }
            _ => {}
        }
    }

    fn alarm(&mut self, alarm: Alarm) {
        let lives = self.lives_now();
        let now = Told { change: alarm.change, lives };
        let before = self.alarms.insert((alarm.luminaire, alarm.kind), now);
        let stood =
            before.is_some_and(|before| before.change == AlarmChange::Raised && before.lives == lives);
        if stood && alarm.change == AlarmChange::Raised {
            self.doubled.push(alarm);
        }
    }

    /// The state of a luminaire that is there.
    pub(crate) fn state(&self, luminaire: LuminaireId) -> Option<LightState> {
        self.lamps.get(&luminaire).filter(|lamp| lamp.online.is_some())?.state
    }

    /// Since when a luminaire is there, if it is.
    pub(crate) fn online_since(&self, luminaire: LuminaireId) -> Option<Instant> {
        self.lamps.get(&luminaire)?.online
    }

    /// Forgets all luminaires: what is seen after this, they have said after this.
    pub(crate) fn forget(&mut self) {
        self.lamps.clear();
    }

    /// Whether the CMS says that this alarm stands.
    pub(crate) fn stands(&self, luminaire: LuminaireId, kind: AlarmKind) -> bool {
        self.lamps.get(&luminaire).is_some_and(|lamp| lamp.standing.contains(kind))
    }

    fn lives_now(&self) -> [u32; 3] {
        let parts = [Part::Broker, Part::Role(RoleName::Lighting), Part::Role(RoleName::Fleet)];
        parts.map(|part| self.lives.number(part))
    }

    /// How many alarms and their ends were seen.
    pub(crate) fn alarms_seen(&self) -> usize {
        self.events.len()
    }
}
