//! Questions to the services, over the bus.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use types::ReplyTo;
use uuid::Uuid;
use wire::{Message, Reply, ReplyBody, Request, RequestBody};

use crate::time::wall_now;

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Questions waiting to be sent.
const QUESTIONS_MAX: usize = 1_024;

/// Asks services. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Where the answers go, below `rsp/`.
    path: Arc<str>,
    questions: mpsc::Sender<Message>,
    waiting: Arc<Mutex<BTreeMap<Uuid, oneshot::Sender<ReplyBody>>>>,
}

impl Caller {
    /// A caller for the client `client_id`, and the questions to send for it.
    pub(crate) fn new(client_id: &str) -> (Self, mpsc::Receiver<Message>) {
        let (questions, receiver) = mpsc::channel(QUESTIONS_MAX);
        (Self { path: format!("{client_id}/ask").into(), questions, waiting: Arc::default() }, receiver)
    }

    /// Asks, and waits for the first answer; `None` if there is none in time.
    pub(crate) async fn ask(&self, body: RequestBody) -> Option<ReplyBody> {
        let id = Uuid::new_v4();
        let (sender, answer) = oneshot::channel();
        self.waiting().insert(id, sender);
        let reply_to = ReplyTo { path: self.path.to_string().into(), correlation: id.as_bytes()[..].into() };
        let question = Message::Request(Request { id, time: wall_now(), reply_to, body });
        let answer = match self.questions.try_send(question) {
            Ok(()) => timeout(PATIENCE, answer).await.ok().and_then(Result::ok),
            Err(_) => None,
        };
        self.waiting().remove(&id);
        answer
    }

    /// Sends something that has no answer.
    pub(crate) fn tell(&self, message: Message) -> bool {
        self.questions.try_send(message).is_ok()
    }

    /// Hands an answer to who waits for it.
    pub(crate) fn answer(&self, reply: &Reply) -> bool {
        let waiting = Uuid::from_slice(&reply.to.correlation).ok().and_then(|id| self.waiting().remove(&id));
        waiting.is_some_and(|waiting| waiting.send(reply.body.clone()).is_ok())
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, BTreeMap<Uuid, oneshot::Sender<ReplyBody>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
