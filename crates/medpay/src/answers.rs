use std::collections::{BTreeMap, VecDeque};

use types::ReplyTo;

use crate::messages::PayRefusal;

/// Answers remembered, at most; beyond that the oldest is forgotten. Its request, should it come once more, is then
/// looked at as a new one, which costs an answer but never a payment: a bill knows by itself whether it is paid.
pub(crate) const ANSWERS_MAX: usize = 10_000;

/// The answers given lately: a request that is delivered twice is answered twice in the same words.
#[derive(Debug)]
pub(crate) struct Answers<T> {
    /// With the fingerprint of the request.
    given: BTreeMap<ReplyTo, (u128, T)>,
    /// Oldest first.
    order: VecDeque<ReplyTo>,
}

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self { given: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<T> Answers<T> {
    /// What was answered to `request` before, whatever it asked.
    pub(crate) fn given_to(&self, request: &ReplyTo) -> Option<&T> {
        self.given.get(request).map(|(_, answer)| answer)
    }

    /// The same for one that must ask the same again.
    pub(crate) fn same(&self, request: &ReplyTo, fingerprint: u128) -> Result<Option<&T>, PayRefusal> {
        if request.correlation.is_empty() {
            return Err(PayRefusal::IdempotencyKeyMissing);
        }
        match self.given.get(request) {
            Some((known, _)) if *known != fingerprint => Err(PayRefusal::IdempotencyKeyReused),
            known => Ok(known.map(|(_, answer)| answer)),
        }
    }

    pub(crate) fn remember(&mut self, request: ReplyTo, fingerprint: u128, answer: T) {
        if self.given.insert(request.clone(), (fingerprint, answer)).is_some() {
            return;
        }
        self.order.push_back(request);
        if self.order.len() > ANSWERS_MAX {
            let oldest = self.order.pop_front().expect("one was just added");
            self.given.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: usize) -> ReplyTo {
        ReplyTo { path: "svc-test".into(), correlation: number.to_be_bytes().as_slice().into() }
    }

    #[test]
    fn a_request_without_a_key_or_under_the_key_of_another_is_refused() {
        let mut answers = Answers::default();
        answers.remember(request(1), 7, "paid");
        let keyless = ReplyTo { path: "svc-test".into(), correlation: [].into() };
        assert_eq!(answers.same(&keyless, 7), Err(PayRefusal::IdempotencyKeyMissing));
        assert_eq!(answers.same(&request(1), 8), Err(PayRefusal::IdempotencyKeyReused));
        assert_eq!(answers.same(&request(1), 7), Ok(Some(&"paid")));
        assert_eq!(answers.same(&request(2), 7), Ok(None));
    }

    #[test]
    fn the_oldest_answer_is_forgotten_when_there_are_too_many() {
        let mut answers = Answers::default();
        for number in 0..=ANSWERS_MAX {
            answers.remember(request(number), 0, number);
        }
        assert_eq!(answers.given_to(&request(0)), None);
        assert_eq!(answers.given_to(&request(1)), Some(&1));
        assert_eq!(answers.given_to(&request(ANSWERS_MAX)), Some(&ANSWERS_MAX));
    }
}
