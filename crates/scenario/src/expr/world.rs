use std::sync::Arc;

use city::Plan;
use wire::Message;

use super::{Condition, Scope};
use crate::facts::{LampField, Lamps, Value};

/// The luminaires as the bus shows them, and numbers about all of them, kept up to date.
#[derive(Debug)]
pub(crate) struct World {
    lamps: Lamps,
    aggregates: Vec<Aggregate>,
}

/// A number about all luminaires. Each one's part is remembered, so that a change of one costs one step.
#[derive(Clone, Debug)]
pub(crate) struct Aggregate {
    pub(crate) text: String,
    pub(crate) form: Form,
    pub(crate) condition: Option<Condition>,
    /// What each luminaire adds \[thousandths\], so that adding and taking away is exact.
    parts: Vec<i64>,
    total: i64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    Count,
    Share,
    Sum(LampField),
}

impl Aggregate {
    pub(crate) fn new(text: String, form: Form, condition: Option<Condition>) -> Self {
        Self { text, form, condition, parts: Vec::new(), total: 0 }
    }

    fn part(&self, scope: &Scope<'_>, lamp: usize) -> i64 {
        let counts = self.condition.as_ref().is_none_or(|condition| condition.holds(scope));
        match (counts, self.form) {
            (false, _) => 0,
            (true, Form::Count | Form::Share) => 1_000,
            (true, Form::Sum(field)) => match scope.world.lamps.read(lamp, field) {
                Value::Number(number) => (number * 1e3).round() as i64,
                _ => 0,
            },
        }
    }
}

impl World {
    /// The city before it said anything.
    pub(crate) fn new(plan: Arc<Plan>, aggregates: Vec<Aggregate>) -> Self {
        let lamps = Lamps::new(plan);
        let count = lamps.count();
        let mut world = Self { lamps, aggregates };
        for aggregate in &mut world.aggregates {
            aggregate.parts = vec![0; count];
        }
        (0..count).for_each(|lamp| world.refresh(lamp));
        world
    }

    pub(crate) fn lamps(&self) -> &Lamps {
        &self.lamps
    }

    pub(crate) fn aggregate(&self, index: usize) -> f64 {
        let aggregate = &self.aggregates[index];
        let total = aggregate.total as f64 / 1e3;
        match aggregate.form {
            Form::Share => total / self.lamps.count().max(1) as f64,
            Form::Count | Form::Sum(_) => total,
        }
    }

    pub(crate) fn aggregate_text(&self, index: usize) -> &str {
        &self.aggregates[index].text
    }

    /// Takes note of a message; tells whether anything about a luminaire changed.
    pub(crate) fn observe(&mut self, message: &Message) -> bool {
        let changed = self.lamps.observe(message);
        if let Some(lamp) = changed {
            self.refresh(lamp);
        }
        changed.is_some()
    }

    fn refresh(&mut self, lamp: usize) {
        for index in 0..self.aggregates.len() {
            let scope = Scope { message: None, after: None, lamp: Some(lamp), world: self };
            let part = self.aggregates[index].part(&scope, lamp);
            let aggregate = &mut self.aggregates[index];
            aggregate.total += part - aggregate.parts[lamp];
            aggregate.parts[lamp] = part;
        }
    }
}
