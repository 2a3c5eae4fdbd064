//! Questions to the services, over the bus.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use types::ReplyTo;
use uuid::Uuid;
use wire::{Message, Reply, ReplyBody, Request, RequestBody};

use crate::metrics::metrics;
use crate::time::wall_now;

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Questions waiting to be sent.
const QUESTIONS_MAX: usize = 1_024;
/// Answers to one question that wait to be looked at.
const ANSWERS_MAX: usize = 64;

type Answers = BTreeMap<Box<[u8]>, mpsc::Sender<ReplyBody>>;

/// Asks services. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Where the answers go, below `rsp/`.
    path: Arc<str>,
    questions: mpsc::Sender<Message>,
    /// By the correlation of the question.
    waiting: Arc<Mutex<Answers>>,
}

impl Caller {
    /// A caller for the client `client_id`, and the questions to send for it.
    pub(crate) fn new(client_id: &str) -> (Self, mpsc::Receiver<Message>) {
        let (questions, receiver) = mpsc::channel(QUESTIONS_MAX);
        (Self { path: format!("{client_id}/ask").into(), questions, waiting: Arc::default() }, receiver)
    }

    /// Asks, and waits for the first answer; `None` if there is none in time.
    pub(crate) async fn ask(&self, body: RequestBody) -> Option<ReplyBody> {
        self.follow(body, PATIENCE, |_| true).await
    }

    /// The same under a correlation of the caller's choice, at most 64 bytes: a service that knows the question from
    /// before gives the answer that it gave then. Of two at the same time, the later one is answered.
    pub(crate) async fn ask_as(&self, correlation: Box<[u8]>, body: RequestBody) -> Option<ReplyBody> {
        self.follow_as(correlation, body, PATIENCE, |_| true).await
    }

    /// Asks, and waits for the answer that is the last; `None` if the first or another one is not there in time.
    pub(crate) async fn follow(
        &self,
        body: RequestBody,
        patience: Duration,
        is_last: impl FnMut(&ReplyBody) -> bool,
    ) -> Option<ReplyBody> {
        self.follow_as(Uuid::new_v4().as_bytes()[..].into(), body, patience, is_last).await
    }

    /// [`Caller::follow`], under a correlation of the caller's choice as in [`Caller::ask_as`].
    pub(crate) async fn follow_as(
        &self,
        correlation: Box<[u8]>,
        body: RequestBody,
        patience: Duration,
        mut is_last: impl FnMut(&ReplyBody) -> bool,
    ) -> Option<ReplyBody> {
        let (sender, mut answers) = mpsc::channel(ANSWERS_MAX);
        self.waiting().insert(correlation.clone(), sender);
        let _waiting = Waiting { caller: self, correlation: correlation.clone() };
        let reply_to = ReplyTo { path: self.path.to_string().into(), correlation };
        let question = Request { id: Uuid::new_v4(), time: wall_now(), reply_to, body };
        if !self.tell(Message::Request(question)) {
            return None;
        }
        loop {
            let Some(answer) = timeout(patience, answers.recv()).await.ok().flatten() else {
                metrics().questions_unanswered.inc();
                return None;
            };
            if is_last(&answer) {
                return Some(answer);
            }
        }
    }

    /// Sends something that has no answer.
    pub(crate) fn tell(&self, message: Message) -> bool {
        let taken = self.questions.try_send(message).is_ok();
        if !taken {
            metrics().questions_refused.inc();
        }
        taken
    }

    /// Hands an answer to who waits for it.
    pub(crate) fn answer(&self, reply: &Reply) -> bool {
        let waiting = self.waiting().get(&reply.to.correlation).cloned();
        waiting.is_some_and(|waiting| waiting.try_send(reply.body.clone()).is_ok())
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Answers> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question under way. Also one that nobody waits for any more is forgotten.
struct Waiting<'a> {
    caller: &'a Caller,
    correlation: Box<[u8]>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.caller.waiting().remove(&self.correlation);
    }
}
