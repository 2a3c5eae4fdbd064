//! A person at the command line: asks services over the bus, with an operator's rights.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use uuid::Uuid;
use wire::{Message, ReplyBody, RequestBody, decode, encode, prefix};

use crate::bus::{BusAddress, BusClient, BusEvent, ClientOptions};
use crate::caller::Caller;
use crate::link::{EVENTS_MAX, Link};

/// The user name.
const USERNAME: &str = "operator";
/// How long it may take to be on the bus.
pub(crate) const JOIN_WITHIN: Duration = Duration::from_secs(10);
/// How long nothing may be heard of what takes long: a part of a group that does not answer.
const FOLLOW_PATIENCE: Duration = Duration::from_secs(120);

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// There is no such broker, or it does not answer.
    #[error("no bus at {address}: {reason}")]
    NoBus {
        /// Where it should be.
        address: BusAddress,
        /// Why not.
        reason: String,
    },
    /// The broker does not let an operator in.
    #[error("the bus refuses the operator: {0}")]
    Refused(String),
    /// The service did not answer in time.
    #[error("{0} does not answer")]
    Silent(&'static str),
}

/// A client of the bus that asks services and waits for their answers.
#[derive(Debug)]
pub struct Operator {
    caller: Caller,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// How far it came on its way to the bus.
#[derive(Clone, Debug)]
enum Way {
    Coming,
    There,
    Failed(AskError),
}

impl Operator {
    /// Joins the bus. `password` is the operator's; without one it is made from the secret of `link`, if that has one.
    ///
    /// # Errors
    ///
    /// [`AskError::NoBus`] or [`AskError::Refused`] at the first try: nobody waits for a bus at the command line.
    pub async fn join(link: &Link, password: Option<&str>) -> Result<Self, AskError> {
        let client_id = format!("{USERNAME}-{}", Uuid::new_v4().simple());
        let filters = vec![format!("{}rsp/{client_id}/#", prefix(link.run))];
        let options = options_of(link, client_id, credentials_of(link, password), filters);
        let (caller, questions) = Caller::new(&options.client_id);
        let (way, mut joined) = watch::channel(Way::Coming);
        let (stop, stopped) = watch::channel(false);
        let pump = Pump { link: link.clone(), caller: caller.clone(), way };
        let task = tokio::spawn(pump.run(options, questions, stopped));
        let no_bus =
            |reason: &str| AskError::NoBus { address: link.address.clone(), reason: reason.to_owned() };
        let arrived = timeout(JOIN_WITHIN, joined.wait_for(|way| !matches!(way, Way::Coming))).await;
        match arrived.map(|way| way.map(|way| way.clone())) {
            Ok(Ok(Way::There)) => Ok(Self { caller, stop, task }),
            Ok(Ok(Way::Failed(error))) => Err(error),
            Ok(Ok(Way::Coming) | Err(_)) | Err(_) => Err(no_bus("no answer")),
        }
    }

    /// Asks, and waits for the first answer.
    ///
    /// # Errors
    ///
    /// [`AskError::Silent`] if there is none in 5 s.
    pub async fn ask(&self, body: RequestBody) -> Result<ReplyBody, AskError> {
        let whom = body.service().as_str();
        self.caller.ask(body).await.ok_or(AskError::Silent(whom))
    }

    /// Asks, and waits for the answer that is the last.
    ///
    /// # Errors
    ///
    /// [`AskError::Silent`] if nothing is heard for two minutes: what takes long tells how far it is.
    pub async fn follow(
        &self,
        body: RequestBody,
        is_last: impl FnMut(&ReplyBody) -> bool,
    ) -> Result<ReplyBody, AskError> {
        let whom = body.service().as_str();
        self.caller.follow(body, FOLLOW_PATIENCE, is_last).await.ok_or(AskError::Silent(whom))
    }

    /// The same under a correlation of the caller's choice, at most 64 bytes: a service that knows the question from
    /// before gives the answer that it gave then.
    ///
    /// # Errors
    ///
    /// [`AskError::Silent`] if nothing is heard for `patience`.
    pub async fn follow_as(
        &self,
        correlation: Box<[u8]>,
        body: RequestBody,
        patience: Duration,
        is_last: impl FnMut(&ReplyBody) -> bool,
    ) -> Result<ReplyBody, AskError> {
        let whom = body.service().as_str();
        let answer = self.caller.follow_as(correlation, body, patience, is_last).await;
        answer.ok_or(AskError::Silent(whom))
    }

    /// Says something that has no answer; `false` if too much waits to be said.
    pub fn tell(&self, message: Message) -> bool {
        self.caller.tell(message)
    }

    /// Says goodbye, and waits until it is said.
    pub async fn leave(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

/// User name and password of an operator, whose `password` counts before the secret of `link`.
pub(crate) fn credentials_of(link: &Link, password: Option<&str>) -> Option<(String, String)> {
    let given = password.map(|password| (USERNAME.to_owned(), password.to_owned()));
    given.or_else(|| link.credentials(USERNAME))
}

/// How a client that is no service connects.
pub(crate) fn options_of(
    link: &Link,
    client_id: String,
    credentials: Option<(String, String)>,
    filters: Vec<String>,
) -> ClientOptions {
    ClientOptions {
        address: link.address.clone(),
        client_id,
        credentials,
        device: false,
        will: None,
        filters,
    }
}

/// Carries questions to the bus and answers back.
struct Pump {
    link: Link,
    caller: Caller,
    way: watch::Sender<Way>,
}

impl Pump {
    async fn run(
        self,
        options: ClientOptions,
        mut questions: mpsc::Receiver<Message>,
        mut stop: watch::Receiver<bool>,
    ) {
        let (sender, mut events) = mpsc::channel(EVENTS_MAX);
        let bus = BusClient::spawn(options, (), sender);
        loop {
            tokio::select! {
                Some(((), event)) = events.recv() => self.take(event),
                Some(question) = questions.recv() => {
                    // A full queue means no connection: then no answer comes, and that is told.
                    let _ = bus.publish(encode(self.link.run, &question));
                }
                // Also when nobody is left who could say so.
                _ = stop.changed() => break,
            }
        }
        bus.disconnect();
        bus.closed().await;
    }

    fn take(&self, event: BusEvent) {
        match event {
            BusEvent::Connected => self.note(Way::There),
            BusEvent::Refused { reason } => self.note(Way::Failed(AskError::Refused(reason))),
            BusEvent::Disconnected { reason } => {
                self.note(Way::Failed(AskError::NoBus { address: self.link.address.clone(), reason }));
            }
            BusEvent::Message(received) => match decode(self.link.run, received.delivery()) {
                Ok(Message::Reply(reply)) => {
                    self.caller.answer(&reply);
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(topic = received.topic(), %error, "answer not understood"),
            },
        }
    }

    fn note(&self, way: Way) {
        self.way.send_replace(way);
    }
}
