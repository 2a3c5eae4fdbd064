//! Binds a scenario to its city: texts become moments, ids and conditions, or a [`Mistake`] at their place.

mod deeds;
mod expectations;
mod feeders;

use std::ops::Range;
use std::sync::Arc;

use city::Plan;
use types::{LuminaireId, MINUTE_MS, Timestamp};

use crate::director::{Act, Deed, Start};
use crate::expr::{ExprError, Operand, Parser};
use crate::facts::Type;
use crate::file::{Step, Text};
use crate::judge::Monitor;
use crate::mistake::Mistake;
use crate::order::Luminaires;
use crate::script::{RunOptions, Script};
use crate::time::{Frame, duration_ms};

/// The most acts that one `every` may stand for.
const REPEATS_MAX: i64 = 100_000;

/// Binds the parts of one script.
pub(crate) struct Binder<'a> {
    script: &'a Script,
    plan: &'a Arc<Plan>,
    frame: Frame<'a>,
    options: RunOptions,
    parser: Parser<'a>,
}

impl<'a> Binder<'a> {
    pub(crate) fn new(
        script: &'a Script,
        plan: &'a Arc<Plan>,
        frame: Frame<'a>,
        options: RunOptions,
    ) -> Self {
        Self { script, plan, frame, options, parser: Parser::new(plan) }
    }

    pub(crate) fn into_aggregates(self) -> Vec<crate::expr::Aggregate> {
        self.parser.into_aggregates()
    }

    /// What happens when.
    pub(crate) fn timeline(&mut self) -> Result<Vec<Act>, Mistake> {
        let mut acts = Vec::new();
        for step in &self.script.file.timeline {
            let (span, step) = (step.span(), step.get_ref());
            let deed = self.deed(&span, step)?;
            self.check_live(&span, &deed)?;
            for start in self.starts(&span, step)? {
                acts.push(Act { start, deed: deed.clone() });
            }
        }
        Ok(acts)
    }

    /// What must come of it.
    pub(crate) fn expectations(&mut self) -> Result<Vec<Monitor>, Mistake> {
        let script = self.script;
        if script.file.expect.is_empty() && !self.options.no_expect {
            let message =
                "there is no `[[expect]]`: a run would test nothing; to run it all the same, say --no-expect";
            return Err(script.mistake(&(script.text.len()..script.text.len()), message));
        }
        let mut monitors: Vec<Monitor> = Vec::new();
        for expectation in &script.file.expect {
            let monitor = self.expectation(&expectation.span(), expectation.get_ref())?;
            if let Some(other) = monitors.iter().find(|other| other.name == monitor.name) {
                let message = format!("there are two expectations named `{}`", other.name);
                return Err(script.mistake(&expectation.span(), message));
            }
            monitors.push(monitor);
        }
        self.contradictions()?;
        Ok(monitors)
    }

    fn starts(&mut self, span: &Range<usize>, step: &Step) -> Result<Vec<Start>, Mistake> {
        if let Some(when) = &step.when {
            if let Some(wrong) = [&step.at, &step.every, &step.until].into_iter().flatten().next() {
                return Err(self
                    .script
                    .mistake(&wrong.span(), "`when` stands alone: without `at`, `every`, `until`"));
            }
            let delay_ms = self.optional(step.delay.as_ref(), duration_ms)?.unwrap_or(0);
            let operand = self.operand(when, None)?;
            return Ok(vec![Start::When { operand, delay_ms }]);
        }
        let Some(at) = &step.at else {
            return Err(self.script.mistake(span, "a step needs `at = \"…\"` or `when = \"…\"`"));
        };
        if let Some(delay) = &step.delay {
            return Err(self
                .script
                .mistake(&delay.span(), "`delay` goes with `when`; with `at`, write the later moment"));
        }
        let first = self.moment(at)?;
        let Some(every) = &step.every else {
            if let Some(until) = &step.until {
                return Err(self.script.mistake(&until.span(), "`until` goes with `every`"));
            }
            return Ok(vec![Start::At(first)]);
        };
        let period_ms = self.script.read(every, duration_ms)?;
        let last = step.until.as_ref().map_or(Ok(self.frame.end), |until| self.moment(until))?;
        if period_ms == 0 || last < first || last.millis_since(first) / period_ms >= REPEATS_MAX {
            let message = format!("from `at` until `until`, `every` must come once to {REPEATS_MAX} times");
            return Err(self.script.mistake(&every.span(), message));
        }
        let times = 0..=last.millis_since(first) / period_ms;
        Ok(times.map(|time| Start::At(first.plus_millis(time * period_ms))).collect())
    }

    fn check_live(&self, span: &Range<usize>, deed: &Deed) -> Result<(), Mistake> {
        if self.options.live && deed.is_virtual_only() {
            let message = "this can be done in virtual time only: run it without --live, or take it out";
            return Err(self.script.mistake(span, message));
        }
        Ok(())
    }

    fn moment(&self, text: &Text) -> Result<Timestamp, Mistake> {
        self.script.read(text, |text| self.frame.moment(text))
    }

    fn optional<T>(
        &self,
        text: Option<&Text>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Mistake> {
        text.map(|text| self.script.read(text, &read)).transpose()
    }

    /// Reads an expression; `after` is the kind of message that `after.` means.
    fn operand(&mut self, text: &Text, after: Option<usize>) -> Result<Operand, Mistake> {
        let outcome = self.parser.operand(text.get_ref(), after);
        outcome.map_err(|error| self.expression_mistake(text, &error))
    }

    fn expression_mistake(&self, text: &Text, error: &ExprError) -> Mistake {
        // After the opening quote; a text with escapes is a little further on than it says.
        let start = text.span().start + 1 + error.at;
        self.script.mistake(&(start..start + 1), error.message.clone())
    }

    /// `l-0012`, `l-0001..l-0050`, `all`.
    fn lamps(&self, text: &Text) -> Result<Luminaires, Mistake> {
        self.script.read(text, |text| {
            let last = LuminaireId(self.plan.luminaires().len() as u32);
            if text == "all" {
                return Ok(Luminaires { first: LuminaireId(1), last });
            }
            let (first, last) = text.split_once("..").unwrap_or((text, text));
            let lamp = |id: &str| -> Result<LuminaireId, String> {
                self.in_city(Type::Lamp, id)?;
                id.parse().map_err(|error: types::IdError| error.to_string())
            };
            let (first, last) = (lamp(first)?, lamp(last)?);
            if first > last {
                return Err(format!("\"{text}\" is backwards: write {last}..{first}"));
            }
            Ok(Luminaires { first, last })
        })
    }

    fn in_city(&self, of_type: Type, text: &str) -> Result<(), String> {
        crate::expr::in_city(self.plan, of_type, text)
    }
}

/// How long an override lasts, which the CMS counts in minutes.
fn minutes(text: &str) -> Result<u32, String> {
    let ms = duration_ms(text)?;
    if ms == 0 || ms % MINUTE_MS != 0 {
        return Err(format!("an override lasts whole minutes, got \"{text}\""));
    }
    Ok((ms / MINUTE_MS) as u32)
}
