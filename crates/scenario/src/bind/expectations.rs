//! Binds the expectations.

use std::ops::Range;

use types::Timestamp;

use super::Binder;
use crate::expr::{ExprError, Operand};
use crate::facts::{Field, KINDS};
use crate::file::{Expectation, Text};
use crate::judge::{After, Bounds, Form, Monitor, Window};
use crate::mistake::{Mistake, did_you_mean};
use crate::time::{duration_ms, show_duration};

impl Binder<'_> {
    /// One expectation.
    pub(super) fn expectation(&mut self, span: &Range<usize>, raw: &Expectation) -> Result<Monitor, Mistake> {
        if raw.name.trim().is_empty() {
            return Err(self.script.mistake(span, "an expectation needs a name"));
        }
        let forms = [
            ("always", &raw.always),
            ("never", &raw.never),
            ("eventually", &raw.eventually),
            ("after", &raw.after),
            ("hold", &raw.hold),
            ("count", &raw.count),
            ("metric", &raw.metric),
        ];
        let mut given = forms.iter().filter_map(|(name, text)| text.as_ref().map(|text| (*name, text)));
        let (Some((name, text)), None) = (given.next(), given.next()) else {
            let message =
                "an expectation has one form: always, never, eventually, after, hold, count or metric";
            return Err(self.script.mistake(span, message));
        };
        self.check_extras(name, raw)?;
        let window = self.window(raw)?;
        let (form, words) = match name {
            "always" => (Form::Always(self.condition(text)?), format!("always {}", text.get_ref())),
            "never" => (Form::Never(self.operand(text, None)?), format!("never {}", text.get_ref())),
            "eventually" => {
                (Form::Eventually(self.operand(text, None)?), format!("eventually {}", text.get_ref()))
            }
            "after" => self.after(span, text, raw)?,
            "hold" => self.hold(span, text, raw)?,
            "count" => self.count(span, text, raw)?,
            _ => self.metric(span, text, raw)?,
        };
        Ok(Monitor::new(raw.name.clone(), words, form, window, raw.may_not_happen))
    }

    /// Expectations that cannot both come true.
    pub(super) fn contradictions(&self) -> Result<(), Mistake> {
        let texts = |form: fn(&Expectation) -> Option<&Text>| {
            self.script.file.expect.iter().filter_map(move |raw| form(raw.get_ref()))
        };
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        for never in texts(|raw| raw.never.as_ref()) {
            let same = |text: &&Text| words(text.get_ref()) == words(never.get_ref());
            let wanted = texts(|raw| raw.always.as_ref()).chain(texts(|raw| raw.eventually.as_ref()));
            if let Some(other) = wanted.into_iter().find(same) {
                let line = self.script.mistake(&other.span(), "").line;
                let message = format!("this contradicts the expectation in line {line}");
                return Err(self.script.mistake(&never.span(), message));
            }
        }
        Ok(())
    }

    /// What belongs to another form.
    fn check_extras(&self, form: &str, raw: &Expectation) -> Result<(), Mistake> {
        let extras = [
            ("then", raw.then.as_ref().map(Text::span), "after"),
            ("then_not", raw.then_not.as_ref().map(Text::span), "after"),
            ("within", raw.within.as_ref().map(Text::span), "after"),
            ("p99", raw.p99.as_ref().map(Text::span), "after"),
            ("until", raw.until.as_ref().map(Text::span), "hold"),
            ("by", raw.by.as_ref().map(Text::span), "eventually hold"),
            ("to", raw.to.as_ref().map(Text::span), "always never after count"),
            ("exactly", raw.exactly.as_ref().map(toml::Spanned::span), "count"),
            ("at_least", raw.at_least.as_ref().map(toml::Spanned::span), "count metric"),
            ("at_most", raw.at_most.as_ref().map(toml::Spanned::span), "count metric"),
            ("for_each", raw.for_each.as_ref().map(Text::span), "count"),
        ];
        for (name, span, forms) in extras {
            if let Some(span) = span
                && !forms.split(' ').any(|known| known == form)
            {
                let message = format!("`{name}` goes with {}, not with `{form}`", forms.replace(' ', " or "));
                return Err(self.script.mistake(&span, message));
            }
        }
        Ok(())
    }

    fn window(&self, raw: &Expectation) -> Result<Window, Mistake> {
        let moment = |text: Option<&Text>, usual: Timestamp| text.map_or(Ok(usual), |text| self.moment(text));
        let from = moment(raw.from.as_ref(), self.frame.start)?;
        let last = raw.to.as_ref().or(raw.by.as_ref());
        let to = moment(last, self.frame.end)?;
        if let Some(last) = last.filter(|_| to <= from) {
            return Err(self
                .script
                .mistake(&last.span(), "this is not after the beginning: nothing would be tested"));
        }
        Ok(Window { from, to })
    }

    fn condition(&mut self, text: &Text) -> Result<crate::expr::Condition, Mistake> {
        match self.operand(text, None)? {
            Operand::Condition(condition) => Ok(condition),
            Operand::Pattern(_) => Err(self
                .script
                .mistake(&text.span(), "a message is a moment: it cannot hold; use `after` or `count`")),
        }
    }

    fn after(
        &mut self,
        span: &Range<usize>,
        text: &Text,
        raw: &Expectation,
    ) -> Result<(Form, String), Mistake> {
        let trigger =
            self.parser.pattern(text.get_ref()).map_err(|error| self.expression_mistake(text, &error))?;
        let (then, not) = match (&raw.then, &raw.then_not) {
            (Some(then), None) => (then, false),
            (None, Some(then)) => (then, true),
            _ => return Err(self.script.mistake(span, "`after` needs `then` or `then_not`")),
        };
        let Some(within) = &raw.within else {
            return Err(self.script.mistake(span, "`after` needs `within`: how soon, or for how long"));
        };
        let within_ms = self.script.read(within, duration_ms)?;
        if within_ms >= self.frame.end.millis_since(self.frame.start) {
            return Err(self
                .script
                .mistake(&within.span(), "this is longer than the scenario: it would never be judged"));
        }
        let operand = self.operand(then, Some(trigger.kind))?;
        let p99_ms = self.optional(raw.p99.as_ref(), duration_ms)?;
        let follows = if not { "never follows" } else { "follows" };
        let words = format!(
            "after {}, {} {follows} within {}",
            text.get_ref(),
            then.get_ref(),
            show_duration(within_ms)
        );
        let within_ms = if not { within_ms } else { within_ms + self.options.slack_ms };
        let p99_ms = p99_ms.map(|ms| ms + self.options.slack_ms);
        Ok((Form::After(After::new(trigger, operand, not, within_ms), p99_ms), words))
    }

    fn hold(
        &mut self,
        span: &Range<usize>,
        text: &Text,
        raw: &Expectation,
    ) -> Result<(Form, String), Mistake> {
        let Some(until) = &raw.until else {
            return Err(self.script.mistake(span, "`hold` needs `until`"));
        };
        let words = format!("{} until {}", text.get_ref(), until.get_ref());
        Ok((Form::Hold { holds: self.condition(text)?, until: self.operand(until, None)? }, words))
    }

    fn count(
        &mut self,
        span: &Range<usize>,
        text: &Text,
        raw: &Expectation,
    ) -> Result<(Form, String), Mistake> {
        let pattern =
            self.parser.pattern(text.get_ref()).map_err(|error| self.expression_mistake(text, &error))?;
        let bounds = self.bounds(span, raw)?;
        let for_each = match &raw.for_each {
            None => None,
            Some(name) => Some(self.field(pattern.kind, name)?),
        };
        let else_words = if raw.none_else { ", and none else" } else { "" };
        let each =
            raw.for_each.as_ref().map_or(String::new(), |field| format!(" for each {}", field.get_ref()));
        let words = format!("{bounds} {}{each}{else_words}", text.get_ref());
        Ok((Form::Count { pattern, bounds, for_each, none_else: raw.none_else }, words))
    }

    fn metric(
        &mut self,
        span: &Range<usize>,
        text: &Text,
        raw: &Expectation,
    ) -> Result<(Form, String), Mistake> {
        let term =
            self.parser.number(text.get_ref()).map_err(|error| self.expression_mistake(text, &error))?;
        let bounds = self.bounds(span, raw)?;
        Ok((Form::Metric { term, bounds }, format!("{bounds} {}", text.get_ref())))
    }

    fn bounds(&self, span: &Range<usize>, raw: &Expectation) -> Result<Bounds, Mistake> {
        let number = |number: &Option<toml::Spanned<f64>>| number.as_ref().map(|number| *number.get_ref());
        let (min, max) = (number(&raw.at_least), number(&raw.at_most));
        match (&raw.exactly, min, max) {
            (Some(exactly), None, None) => {
                let exactly = *exactly.get_ref() as f64;
                Ok(Bounds { min: Some(exactly), max: Some(exactly) })
            }
            (None, Some(min), Some(max)) if min > max => {
                Err(self.script.mistake(span, format!("no number is at least {min} and at most {max}")))
            }
            (None, None, None) => {
                Err(self.script.mistake(span, "this needs `exactly`, `at_least` or `at_most`"))
            }
            (None, min, max) => Ok(Bounds { min, max }),
            (Some(exactly), ..) => Err(self
                .script
                .mistake(&exactly.span(), "`exactly` stands alone, without `at_least` and `at_most`")),
        }
    }

    fn field(&self, kind: usize, name: &Text) -> Result<Field, Mistake> {
        let found = KINDS[kind].fields.iter().copied().find(|field| field.name == name.get_ref());
        found.ok_or_else(|| {
            let hint = did_you_mean(name.get_ref(), KINDS[kind].field_names());
            let message = format!("`{}` is no field of {}{hint}", name.get_ref(), KINDS[kind].name);
            self.expression_mistake(name, &ExprError { at: 0, message })
        })
    }
}
