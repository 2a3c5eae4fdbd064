use std::collections::BTreeMap;

use types::Timestamp;
use wire::Message;

use super::Moment;
use super::monitor::{describe, entity_of};
use crate::expr::{Condition, Operand, Pattern, Relation, Scope, Term};

/// Each time one thing happens, another must follow, or must not.
#[derive(Debug)]
pub(crate) struct After {
    trigger: Pattern,
    then: Operand,
    not: bool,
    within_ms: i64,
    /// What was set off and is not decided yet, by deadline, then in order.
    waiting: BTreeMap<(Timestamp, u64), Waiting>,
    /// The same, by what `then` compares with a field of `after`: found without asking each.
    by_key: BTreeMap<String, Vec<(Timestamp, u64)>>,
    seen: u64,
    judged: u64,
    times_ms: Vec<i64>,
}

#[derive(Debug)]
struct Waiting {
    set_off: Message,
    at: Timestamp,
}

/// Something that did not follow, or did and must not.
pub(super) struct Missed {
    pub(super) entity: Option<String>,
    pub(super) expected: &'static str,
    pub(super) seen: String,
}

impl After {
    pub(crate) fn new(trigger: Pattern, then: Operand, not: bool, within_ms: i64) -> Self {
        Self {
            trigger,
            then,
            not,
            within_ms,
            waiting: BTreeMap::new(),
            by_key: BTreeMap::new(),
            seen: 0,
            judged: 0,
            times_ms: Vec::new(),
        }
    }

    /// The first moment at which something is too late.
    pub(super) fn wakes_at(&self) -> Option<Timestamp> {
        self.waiting.keys().next().map(|(deadline, _)| deadline.plus_millis(1))
    }

    /// How many came to a decision.
    pub(super) fn judged(&self) -> u64 {
        self.judged
    }

    /// What was seen, in words.
    pub(super) fn measured(&self) -> String {
        let times = if self.seen == 1 { "once".to_owned() } else { format!("{} times", self.seen) };
        match self.waiting.len() {
            0 => times,
            open => format!("{times}, {open} undecided at the end"),
        }
    }

    /// How long those took that came true \[ms\].
    pub(super) fn times_ms(&self) -> &[i64] {
        &self.times_ms
    }

    /// Decides what can be decided; what is set off by this message is decided later, or at once by what holds already.
    pub(super) fn observe(&mut self, moment: &Moment<'_>, in_window: bool) -> Vec<Missed> {
        let mut missed = self.expire(moment.now);
        self.follow(moment, &mut missed);
        if let Some((kind, message)) = moment.message
            && in_window
            && kind == self.trigger.kind
            && self.trigger.matches(&scope(moment, Some(message), None))
        {
            self.set_off(message.clone(), moment.now);
            if matches!(self.then, Operand::Condition(_)) {
                self.follow(&Moment { message: None, changed: true, ..*moment }, &mut missed);
            }
        }
        missed
    }

    fn set_off(&mut self, message: Message, now: Timestamp) {
        self.waiting
            .insert((now.plus_millis(self.within_ms), self.seen), Waiting { set_off: message, at: now });
        self.seen += 1;
        self.by_key.clear();
    }

    /// What has waited too long.
    fn expire(&mut self, now: Timestamp) -> Vec<Missed> {
        let mut missed = Vec::new();
        while let Some(entry) = self.waiting.first_entry()
            && entry.key().0 < now
        {
            let waiting = entry.remove();
            self.judged += 1;
            if !self.not {
                let within = crate::time::show_duration(self.within_ms);
                let seen = format!("nothing within {within} after {}", describe(&waiting.set_off));
                missed.push(Missed { entity: entity_of(&waiting.set_off), expected: "this in time", seen });
            }
        }
        missed
    }

    /// What follows something that waits.
    fn follow(&mut self, moment: &Moment<'_>, missed: &mut Vec<Missed>) {
        let relevant = match (&self.then, moment.message) {
            (Operand::Pattern(pattern), Some((kind, _))) => pattern.kind == kind,
            (Operand::Pattern(_), None) => false,
            (Operand::Condition(_), _) => moment.changed,
        };
        if !relevant || self.waiting.is_empty() {
            return;
        }
        let message = moment.message.map(|(_, message)| message);
        for key in self.candidates(moment) {
            let Some(waiting) = self.waiting.get(&key) else { continue };
            let scope = scope(moment, message, Some(&waiting.set_off));
            let follows = match &self.then {
                Operand::Pattern(pattern) => pattern.matches(&scope),
                Operand::Condition(condition) => condition.holds(&scope),
            };
            if follows && let Some(waiting) = self.waiting.remove(&key) {
                self.judged += 1;
                self.times_ms.push(moment.now.millis_since(waiting.at));
                if self.not {
                    let seen = message.map_or_else(|| "it holds".to_owned(), describe);
                    missed.push(Missed { entity: entity_of(&waiting.set_off), expected: "not this", seen });
                }
            }
        }
    }

    /// Those that what is seen now can be about.
    fn candidates(&mut self, moment: &Moment<'_>) -> Vec<(Timestamp, u64)> {
        let key_terms = match &self.then {
            Operand::Pattern(pattern) => pattern.condition.as_ref().and_then(key_of),
            Operand::Condition(_) => None,
        };
        let (Some((own, other)), Some((_, message))) = (key_terms, moment.message) else {
            return self.waiting.keys().copied().collect();
        };
        if self.by_key.is_empty() {
            for (key, waiting) in &self.waiting {
                let value = other.value(&scope(moment, None, Some(&waiting.set_off))).to_string();
                self.by_key.entry(value).or_default().push(*key);
            }
        }
        let value = own.value(&scope(moment, Some(message), None)).to_string();
        self.by_key.get(&value).cloned().unwrap_or_default()
    }
}

fn scope<'a>(moment: &Moment<'a>, message: Option<&'a Message>, after: Option<&'a Message>) -> Scope<'a> {
    Scope { message, after, lamp: None, world: moment.world }
}

/// The terms of `field == after.field`, if the condition demands that.
fn key_of(condition: &Condition) -> Option<(&Term, &Term)> {
    match condition {
        Condition::Compare(own @ Term::Field(_), Relation::Equal, other @ Term::After(_))
        | Condition::Compare(other @ Term::After(_), Relation::Equal, own @ Term::Field(_)) => {
            Some((own, other))
        }
        Condition::And(a, b) => key_of(a).or_else(|| key_of(b)),
        _ => None,
    }
}
