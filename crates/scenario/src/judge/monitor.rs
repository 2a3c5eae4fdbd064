use std::collections::BTreeMap;
use std::fmt;

use types::Timestamp;
use wire::Message;

use super::after::After;
use super::{Failure, Moment, Outcome, SoFar, Spread, Standing};
use crate::expr::{Condition, Operand, Pattern, Scope, Term};
use crate::facts::{Field, KINDS, Value};
use crate::time::show_duration;

/// What an expectation says.
#[derive(Debug)]
pub(crate) enum Form {
    Always(Condition),
    Never(Operand),
    Eventually(Operand),
    /// With the time in which 99 of 100 must follow \[ms\].
    After(After, Option<i64>),
    Hold {
        holds: Condition,
        until: Operand,
    },
    Count {
        pattern: Pattern,
        bounds: Bounds,
        for_each: Option<Field>,
        none_else: bool,
    },
    Metric {
        term: Term,
        bounds: Bounds,
    },
}

/// When an expectation counts, both ends included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl Window {
    pub(crate) fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at <= self.to
    }
}

/// From the least to the most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
}

impl Bounds {
    fn contain(&self, number: f64) -> bool {
        self.min.is_none_or(|min| number >= min) && self.max.is_none_or(|max| number <= max)
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (Some(min), Some(max)) if min.total_cmp(&max).is_eq() => write!(f, "exactly {min}"),
            (Some(min), Some(max)) => write!(f, "{min} to {max}"),
            (Some(min), None) => write!(f, "at least {min}"),
            (None, Some(max)) => write!(f, "at most {max}"),
            (None, None) => f.write_str("any number of"),
        }
    }
}

/// Watches for one expectation.
#[derive(Debug)]
pub(crate) struct Monitor {
    pub(crate) name: String,
    says: String,
    form: Form,
    window: Window,
    may_not_happen: bool,
    /// How often what it is about was seen.
    seen: u64,
    /// Nothing more can change it.
    settled: bool,
    counts: BTreeMap<String, u64>,
    failure: Option<Failure>,
    failures: u64,
}

impl Monitor {
    pub(crate) fn new(name: String, says: String, form: Form, window: Window, may_not_happen: bool) -> Self {
        Self {
            name,
            says,
            form,
            window,
            may_not_happen,
            seen: 0,
            settled: false,
            counts: BTreeMap::new(),
            failure: None,
            failures: 0,
        }
    }

    /// When it wants to be shown the time next.
    pub(crate) fn wakes_at(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.form {
            // At the edges of its window what holds may have begun to count.
            Form::Always(_) | Form::Never(_) | Form::Eventually(_) | Form::Hold { .. } => {
                [self.window.from, self.window.to].into_iter().find(|&edge| edge > now)
            }
            Form::After(after, _) => after.wakes_at(),
            Form::Count { .. } | Form::Metric { .. } => None,
        }
    }

    /// Takes note of what happened; tells whether it is the first failure.
    pub(crate) fn observe(&mut self, moment: &Moment<'_>) -> bool {
        let before = self.failures;
        if !self.settled {
            match &self.form {
                Form::After(..) => self.observe_after(moment),
                Form::Count { .. } => self.observe_count(moment),
                Form::Metric { .. } => {}
                _ if !self.window.contains(moment.now) => {}
                Form::Always(_) => self.observe_always(moment),
                Form::Never(operand) => {
                    if let Some(seen) = self.happens(operand, moment) {
                        self.fail(moment, "not this".to_owned(), seen);
                        self.settled = matches!(self.form, Form::Never(Operand::Condition(_)));
                    }
                }
                Form::Eventually(operand) => {
                    if self.happens(operand, moment).is_some() {
                        (self.seen, self.settled) = (1, true);
                    }
                }
                Form::Hold { .. } => self.observe_hold(moment),
            }
        }
        before == 0 && self.failures > 0
    }

    /// How it stands at `now`, as far as that can be told before the end.
    pub(crate) fn so_far(&self, now: Timestamp) -> SoFar {
        let cannot_fail_any_more = match &self.form {
            Form::Eventually(_) | Form::Hold { .. } => self.settled,
            Form::Always(_) => now > self.window.to && self.seen > 0,
            Form::Never(_) => now > self.window.to,
            Form::After(..) | Form::Count { .. } | Form::Metric { .. } => false,
        };
        match self.failures {
            1.. => SoFar::Failed,
            _ if cannot_fail_any_more => SoFar::CameTrue,
            _ if now < self.window.from => SoFar::Ahead,
            _ => SoFar::Watching,
        }
    }

    /// The last events before the first failure.
    pub(crate) fn remember(&mut self, before: impl FnOnce(Option<&str>) -> Vec<String>) {
        if let Some(failure) = &mut self.failure {
            failure.before = before(failure.entity.as_deref());
        }
    }

    /// The scenario is over. Shown a last moment before.
    pub(crate) fn conclude(mut self, moment: &Moment<'_>) -> Outcome {
        self.judge_the_end(moment);
        let standing = match (&self.form, self.failures) {
            (_, 1..) => Standing::Failed,
            (Form::After(after, _), 0) if after.judged() == 0 && !self.may_not_happen => {
                Standing::Inconclusive
            }
            (Form::Always(_), 0) if self.seen == 0 => Standing::Inconclusive,
            _ => Standing::Passed,
        };
        let times_ms = if let Form::After(after, _) = &self.form { after.times_ms() } else { &[] };
        let spread = Spread::of(times_ms);
        Outcome {
            measured: self.measured(moment),
            name: self.name,
            says: self.says,
            standing,
            spread,
            failure: self.failure,
            failures: self.failures,
        }
    }

    fn observe_always(&mut self, moment: &Moment<'_>) {
        let Form::Always(condition) = &self.form else { return };
        let scope = world_scope(moment);
        if !moment.changed {
            return;
        }
        self.seen += 1;
        if !condition.holds(&scope) {
            let seen = explained(condition, &scope);
            self.fail(moment, "always".to_owned(), seen);
            self.settled = true;
        }
    }

    fn observe_hold(&mut self, moment: &Moment<'_>) {
        let Form::Hold { holds, until } = &self.form else { return };
        if self.happens(until, moment).is_some() {
            (self.seen, self.settled) = (1, true);
        } else if moment.changed && !holds.holds(&world_scope(moment)) {
            let seen = explained(holds, &world_scope(moment));
            self.fail(moment, "to hold until then".to_owned(), seen);
            self.settled = true;
        }
    }

    fn observe_after(&mut self, moment: &Moment<'_>) {
        let in_window = self.window.contains(moment.now);
        let Form::After(after, _) = &mut self.form else { return };
        for missed in after.observe(moment, in_window) {
            self.fail_about(moment, missed.entity, missed.expected.to_owned(), missed.seen);
        }
    }

    fn observe_count(&mut self, moment: &Moment<'_>) {
        let Form::Count { pattern, bounds, for_each, none_else } = &self.form else { return };
        let Some((kind, message)) = moment.message else { return };
        if kind != pattern.kind || !self.window.contains(moment.now) {
            return;
        }
        let scope = Scope { message: Some(message), after: None, lamp: None, world: moment.world };
        if !pattern.matches(&scope) {
            if *none_else {
                let seen = describe(message);
                self.fail(moment, "none else".to_owned(), seen);
            }
            return;
        }
        let key = for_each.map_or(String::new(), |field| (field.read)(message).to_string());
        let (bounds, count) = (*bounds, self.counts.entry(key).or_default());
        *count += 1;
        let count = *count;
        if bounds.max.is_some_and(|max| count as f64 > max) {
            self.fail(moment, bounds.to_string(), format!("number {count}: {}", describe(message)));
        }
    }

    /// What only the end can tell.
    fn judge_the_end(&mut self, moment: &Moment<'_>) {
        let end = Moment { now: self.window.to.min(moment.now), ..*moment };
        let missing = match &self.form {
            Form::Eventually(_) if self.seen == 0 => {
                Some(("at least once".to_owned(), "it never came".to_owned()))
            }
            Form::Hold { .. } if self.seen == 0 && self.failures == 0 => {
                Some(("an end".to_owned(), "what should end it never came".to_owned()))
            }
            Form::Metric { term, bounds } => {
                let value = term.value(&world_scope(moment));
                let fits = matches!(value, Value::Number(number) if bounds.contain(number));
                (!fits).then(|| (bounds.to_string(), value.to_string()))
            }
            Form::After(after, Some(p99_ms)) => {
                Spread::of(after.times_ms()).filter(|spread| spread.p99_ms > *p99_ms).map(|spread| {
                    (format!("99 of 100 within {}", show_duration(*p99_ms)), show_duration(spread.p99_ms))
                })
            }
            _ => None,
        };
        if let Some((expected, seen)) = missing {
            self.fail(&end, expected, seen);
        }
        for (key, count) in self.counted_too_few() {
            let (Form::Count { bounds, .. }, entity) = (&self.form, (!key.is_empty()).then_some(key)) else {
                return;
            };
            self.fail_about(&end, entity, bounds.to_string(), format!("{count} seen"));
        }
    }

    /// Whose messages were too few. Without `for_each` there is one count, also of none.
    fn counted_too_few(&self) -> Vec<(String, u64)> {
        let Form::Count { bounds: Bounds { min: Some(min), .. }, for_each, .. } = &self.form else {
            return Vec::new();
        };
        let none = (self.counts.is_empty() && *min > 0.0).then(|| (String::new(), 0));
        debug_assert!(for_each.is_some() || self.counts.len() <= 1, "one count for all");
        let few = self.counts.iter().filter(|(_, count)| (**count as f64) < *min);
        few.map(|(key, count)| (key.clone(), *count)).chain(none).collect()
    }

    fn measured(&self, moment: &Moment<'_>) -> String {
        match &self.form {
            Form::Always(_) => format!("checked {} times", self.seen),
            Form::Never(_) => "watched throughout".to_owned(),
            Form::Eventually(_) | Form::Hold { .. } => {
                if self.seen > 0 { "it came" } else { "it did not come" }.to_owned()
            }
            Form::After(after, _) => after.measured(),
            Form::Count { for_each: None, .. } => {
                format!("{} seen", self.counts.get("").copied().unwrap_or_default())
            }
            Form::Count { .. } => {
                format!("{} seen of {}", self.counts.values().sum::<u64>(), self.counts.len())
            }
            Form::Metric { term, .. } => term.value(&world_scope(moment)).to_string(),
        }
    }

    /// What happened or holds, in words, if it does.
    fn happens(&self, operand: &Operand, moment: &Moment<'_>) -> Option<String> {
        let words = || match (operand, moment.message) {
            (Operand::Condition(condition), _) => explained(condition, &world_scope(moment)),
            (Operand::Pattern(_), message) => {
                message.map_or_else(String::new, |(_, message)| describe(message))
            }
        };
        moment.shows(operand).then(words)
    }

    fn fail(&mut self, moment: &Moment<'_>, expected: String, seen: String) {
        let entity = moment.message.and_then(|(_, message)| entity_of(message));
        self.fail_about(moment, entity, expected, seen);
    }

    fn fail_about(&mut self, moment: &Moment<'_>, entity: Option<String>, expected: String, seen: String) {
        self.failures += 1;
        if self.failure.is_none() {
            self.failure = Some(Failure { at: moment.now, entity, expected, seen, before: Vec::new() });
        }
    }
}

fn world_scope<'a>(moment: &Moment<'a>) -> Scope<'a> {
    Scope { message: None, after: None, lamp: None, world: moment.world }
}

fn explained(condition: &Condition, scope: &Scope<'_>) -> String {
    let mut names = Vec::new();
    condition.explain(scope, &mut names);
    names.join(", ")
}

/// Whom or what a message is about: its first field that is known.
pub(crate) fn entity_of(message: &Message) -> Option<String> {
    let kind = &KINDS[crate::facts::kind_of(message)];
    let first = kind.fields.first()?;
    let value = (first.read)(message);
    (value != Value::Missing).then(|| value.to_string())
}

/// A message in one line.
pub(crate) fn describe(message: &Message) -> String {
    let kind = &KINDS[crate::facts::kind_of(message)];
    let fields = kind.fields.iter().map(|field| (field.name, (field.read)(message)));
    let known = fields.filter(|(_, value)| *value != Value::Missing);
    known.fold(kind.name.to_owned(), |line, (name, value)| format!("{line} {name}={value}"))
}
