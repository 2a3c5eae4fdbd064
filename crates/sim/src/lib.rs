//! The virtual-time driver: the same roles as live, on an event queue instead of a broker and a wall's clock.
//!
//! Read [`Sim`] first. Messages travel as values, each after the same short delay; nothing is lost yet. All order
//! comes from the queue's key – time, then receiver, then sender's count – and all chance from the seed, so that the
//! same cast gives the same messages, and the same [`Sim::digest`].

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use scenario::{Cast, CastError, Observer, Order};
use types::{Core, RunId, Timestamp};
use wire::roles::LuminaireRole;
use wire::{BusInput, ClockState, Message, Role, encode, filter_matches, prefix};

/// How long a message takes from one role to another \[ms\].
const DELAY_MS: i64 = 20;

/// A city in virtual time.
pub struct Sim {
    run: RunId,
    now: Timestamp,
    services: Vec<Service>,
    luminaires: Vec<LuminaireRole>,
    queue: BinaryHeap<Reverse<Entry>>,
    pushed: u64,
    digest: u64,
    messages: u64,
}

impl std::fmt::Debug for Sim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sim")
            .field("now", &self.now)
            .field("messages", &self.messages)
            .finish_non_exhaustive()
    }
}

struct Service {
    role: Box<dyn Role>,
    filters: Vec<String>,
}

/// Something due. Ordered by time, receiver, and count: never by what it is.
struct Entry {
    at: Timestamp,
    to: usize,
    count: u64,
    due: Due,
}

enum Due {
    Connect,
    Timeout,
    Message(Message),
}

impl Entry {
    fn key(&self) -> (Timestamp, usize, u64) {
        (self.at, self.to, self.count)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Sim {
    /// The city of `cast`, waking at `start`.
    ///
    /// # Errors
    ///
    /// [`CastError`] if a role cannot be made.
    pub fn new(cast: &Cast, run: RunId, start: Timestamp) -> Result<Self, CastError> {
        let roles: Vec<Box<dyn Role>> = vec![
            Box::new(cast.cms()?),
            Box::new(cast.issuer()),
            Box::new(cast.verifier()),
            Box::new(cast.payer()?),
            Box::new(cast.clinic()),
            Box::new(cast.residents_role()),
        ];
        let services: Vec<Service> = roles.into_iter().map(Service::new).collect();
        let luminaires = cast.luminaires(start)?;
        let queue = BinaryHeap::new();
        let mut night =
            Self { run, now: start, services, luminaires, queue, pushed: 0, digest: 0, messages: 0 };
        for to in 0..night.services.len() + night.luminaires.len() {
            night.push(start, to, Due::Connect);
        }
        let clock = ClockState { city: start, wall: start, speed: 1, paused: false };
        night.deliver(&Message::Clock(clock));
        Ok(night)
    }

    /// Runs until the clock shows `end`: shows `observer` each message, and does what it orders.
    pub fn run_until(&mut self, end: Timestamp, observer: &mut impl Observer) {
        let mut out = Vec::new();
        let mut orders = Vec::new();
        loop {
            let next = self.queue.peek().map(|Reverse(entry)| entry.at);
            let wake = observer.wakes_at().filter(|at| *at <= end && next.is_none_or(|next| *at <= next));
            if let Some(at) = wake {
                self.now = at.max(self.now);
                observer.wake(self.now, &mut orders);
                for order in orders.drain(..) {
                    if let Order::Send(message) = order {
                        self.publish(message, observer);
                    }
                }
                continue;
            }
            if next.is_none_or(|next| next > end) {
                break;
            }
            let Some(Reverse(entry)) = self.queue.pop() else { return };
            self.now = entry.at;
            self.act(entry, &mut out);
            for message in out.drain(..) {
                self.publish(message, observer);
            }
        }
        self.now = end;
    }

    fn publish(&mut self, message: Message, observer: &mut impl Observer) {
        self.messages += 1;
        self.note(&message);
        observer.observe(self.now, &message);
        self.deliver(&message);
    }

    /// Sends a message from outside.
    pub fn send(&mut self, message: &Message) {
        self.deliver(message);
    }

    /// Events so far.
    pub fn events(&self) -> u64 {
        self.pushed
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Messages sent so far.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// A number that two runs share only if they sent the same bytes at the same moments in the same order.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    fn act(&mut self, entry: Entry, out: &mut Vec<Message>) {
        let Entry { at, to, due, .. } = entry;
        let core: &mut dyn Core<Input = BusInput, Output = Message> =
            match to.checked_sub(self.services.len()) {
                None => self.services[to].role.as_mut(),
                Some(index) => &mut self.luminaires[index],
            };
        let before = core.next_timeout();
        // A moment is queued when it moves; the one a role was made with, when it connects.
        let (timed, first) = (matches!(due, Due::Timeout), matches!(due, Due::Connect));
        match due {
            Due::Connect => core.handle(at, BusInput::Connected, out),
            Due::Message(message) => core.handle(at, BusInput::Message(message), out),
            // Stale if its moment has moved since; then a newer entry stands for it.
            Due::Timeout if before.is_some_and(|due| due <= at) => core.handle_timeout(at, out),
            Due::Timeout => return,
        }
        if let Some(next) = core.next_timeout().filter(|&next| first || timed || before != Some(next)) {
            self.push(next.max(at), to, Due::Timeout);
        }
    }

    fn push(&mut self, at: Timestamp, to: usize, due: Due) {
        self.pushed += 1;
        self.queue.push(Reverse(Entry { at, to, count: self.pushed, due }));
    }

    /// Queues a message for everyone who listens to its topic.
    fn deliver(&mut self, message: &Message) {
        let at = self.now.plus_millis(DELAY_MS);
        if let Message::Light {
            luminaire, body: wire::Light::Command(_) | wire::Light::Programme(_), ..
        }
        | Message::Fault { luminaire, .. } = message
        {
            let index = luminaire.0.wrapping_sub(1) as usize;
            if index < self.luminaires.len() {
                self.push(at, self.services.len() + index, Due::Message(message.clone()));
            }
            return;
        }
        let frame = encode(self.run, message);
        let topic = frame.topic.strip_prefix(&prefix(self.run)).unwrap_or_default().to_owned();
        for to in 0..self.services.len() {
            if self.services[to].filters.iter().any(|filter| filter_matches(filter, &topic)) {
                self.push(at, to, Due::Message(message.clone()));
            }
        }
    }

    fn note(&mut self, message: &Message) {
        let frame = encode(self.run, message);
        let bytes = frame.topic.bytes().chain(frame.payload).chain(self.now.as_millis().to_le_bytes());
        self.digest = bytes.fold(self.digest ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    }
}

impl Service {
    fn new(role: Box<dyn Role>) -> Self {
        let mut filters: Vec<String> = role.filters().into_iter().map(str::to_owned).collect();
        filters.push(format!("rsp/{}/#", role.name().client_id()));
        Self { role, filters }
    }
}
