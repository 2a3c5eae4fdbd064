//! The small language of expectations.
//!
//! ```text
//! pattern    = KIND [ "where" condition ]                       lamp.state where lamp == l-0012 and actual == 0
//! condition  = condition ("and" | "or") condition | "not" condition | "(" condition ")" | comparison
//! comparison = term [ ("==" | "!=" | "<" | "<=" | ">" | ">=") term ]
//! term       = FIELD | "after." FIELD | LUMINAIRE "." FIELD | aggregate | number | word | 'text'
//! aggregate  = ("count" | "share") "(" "lamps" [ "where" condition ] ")" | "sum" "(" "lamps." FIELD ")"
//! ```
//!
//! Total: no loops, no names but those of the catalogue, and every comparison is checked for its types before a run.

mod lex;
mod parse;
mod world;

use std::cmp::Ordering;

pub(crate) use parse::{Operand, Parser, in_city};
use wire::Message;
pub(crate) use world::{Aggregate, World};

use crate::facts::{Field, LampField, Value};

/// What is wrong with a text, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExprError {
    /// Which byte, from 0.
    pub(crate) at: usize,
    pub(crate) message: String,
}

/// Messages of one kind that fulfil a condition.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// Which of [`KINDS`](crate::facts::KINDS).
    pub(crate) kind: usize,
    pub(crate) condition: Option<Condition>,
}

impl Pattern {
    /// Whether `message`, which is of this kind, fulfils the condition.
    pub(crate) fn matches(&self, scope: &Scope<'_>) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.holds(scope))
    }
}

/// Something that is true or false at a moment.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Or(Box<Self>, Box<Self>),
    And(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Compare(Term, Relation, Term),
    /// A flag.
    Is(Term),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug)]
pub(crate) enum Term {
    Literal(Value),
    /// Of the message at hand.
    Field(Field),
    /// Of the message that set off an `after`.
    After(Field),
    /// Of the luminaire at hand, inside an aggregate.
    Lamp(LampField),
    /// Of one luminaire, counted from 0.
    OneLamp(usize, LampField),
    /// An aggregate of the world.
    Aggregate(usize),
}

/// What a condition is about.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) message: Option<&'a Message>,
    pub(crate) after: Option<&'a Message>,
    pub(crate) lamp: Option<usize>,
    pub(crate) world: &'a World,
}

impl Condition {
    pub(crate) fn holds(&self, scope: &Scope<'_>) -> bool {
        match self {
            Self::Or(a, b) => a.holds(scope) || b.holds(scope),
            Self::And(a, b) => a.holds(scope) && b.holds(scope),
            Self::Not(inner) => !inner.holds(scope),
            Self::Compare(left, relation, right) => {
                relation.holds(left.value(scope).compare(&right.value(scope)))
            }
            Self::Is(term) => term.value(scope) == Value::Flag(true),
        }
    }

    /// What the terms of this condition are now: for a report.
    pub(crate) fn explain(&self, scope: &Scope<'_>, names: &mut Vec<String>) {
        match self {
            Self::Or(a, b) | Self::And(a, b) => {
                a.explain(scope, names);
                b.explain(scope, names);
            }
            Self::Not(inner) => inner.explain(scope, names),
            Self::Compare(left, _, right) => {
                left.explain(scope, names);
                right.explain(scope, names);
            }
            Self::Is(term) => term.explain(scope, names),
        }
    }
}

impl Relation {
    /// Values that do not compare fulfil no relation, also not "unequal": one of them is unknown.
    fn holds(self, order: Option<Ordering>) -> bool {
        let Some(order) = order else { return false };
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl Term {
    pub(crate) fn value(&self, scope: &Scope<'_>) -> Value {
        let read = |message: Option<&Message>, field: &Field| {
            message.map_or(Value::Missing, |message| (field.read)(message))
        };
        match self {
            Self::Literal(value) => value.clone(),
            Self::Field(field) => read(scope.message, field),
            Self::After(field) => read(scope.after, field),
            Self::Lamp(field) => {
                scope.lamp.map_or(Value::Missing, |lamp| scope.world.lamps().read(lamp, *field))
            }
            Self::OneLamp(lamp, field) => scope.world.lamps().read(*lamp, *field),
            Self::Aggregate(index) => Value::Number(scope.world.aggregate(*index)),
        }
    }

    fn explain(&self, scope: &Scope<'_>, names: &mut Vec<String>) {
        let name = match self {
            Self::Literal(_) => return,
            Self::Field(field) => field.name.to_owned(),
            Self::After(field) => format!("after.{}", field.name),
            Self::Lamp(field) => field.name.to_owned(),
            Self::OneLamp(lamp, field) => format!("{}.{}", types::LuminaireId(*lamp as u32 + 1), field.name),
            Self::Aggregate(index) => scope.world.aggregate_text(*index).to_owned(),
        };
        let text = format!("{name} = {}", self.value(scope));
        if !names.contains(&text) {
            names.push(text);
        }
    }
}
