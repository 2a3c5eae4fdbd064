use city::Plan;
use types::{LuminaireId, ProviderId, ResidentId};

use super::lex::{Token, What, tokens};
use super::world::{Aggregate, Form};
use super::{Condition, ExprError, Pattern, Relation, Term};
use crate::facts::{AMOUNT, Field, KINDS, LAMP_FIELDS, LampField, NUMBER, Type, Value};
use crate::mistake::did_you_mean;

/// What an expectation can be about.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    /// A message.
    Pattern(Pattern),
    /// Something that holds or does not.
    Condition(Condition),
}

/// Reads the texts of one scenario; gathers the aggregates they need.
pub(crate) struct Parser<'a> {
    plan: &'a Plan,
    aggregates: Vec<Aggregate>,
}

/// What names mean in the text at hand.
#[derive(Clone, Copy)]
enum Names {
    /// Fields of this kind of message, and of the one that set off an `after`.
    Message { kind: usize, after: Option<usize> },
    /// Fields of a luminaire.
    Lamp,
    /// Only numbers about all luminaires and fields of one; and of the message that set off an `after`.
    World { after: Option<usize> },
}

impl<'a> Parser<'a> {
    /// For the city of `plan`.
    pub(crate) fn new(plan: &'a Plan) -> Self {
        Self { plan, aggregates: Vec::new() }
    }

    /// The aggregates of all texts read.
    pub(crate) fn into_aggregates(self) -> Vec<Aggregate> {
        self.aggregates
    }

    /// A pattern or a condition. `after` is the kind of message that `after.` names, if any.
    pub(crate) fn operand(&mut self, text: &str, after: Option<usize>) -> Result<Operand, ExprError> {
        let tokens = tokens(text)?;
        let Some(Token { what: What::Word(first), .. }) = tokens.first() else {
            return self.world_condition(text, &tokens, after).map(Operand::Condition);
        };
        let alone = matches!(tokens.get(1).map(|token| &token.what), None | Some(What::Word(_)));
        if KINDS.iter().any(|kind| kind.name == first) || (alone && first != "not") {
            return self.tokens_to_pattern(text, &tokens, after).map(Operand::Pattern);
        }
        self.world_condition(text, &tokens, after).map(Operand::Condition)
    }

    /// A pattern, and nothing else.
    pub(crate) fn pattern(&mut self, text: &str) -> Result<Pattern, ExprError> {
        self.tokens_to_pattern(text, &tokens(text)?, None)
    }

    /// A number about all luminaires.
    pub(crate) fn number(&mut self, text: &str) -> Result<Term, ExprError> {
        let tokens = tokens(text)?;
        let mut cursor =
            Cursor { text, tokens: &tokens, next: 0, names: Names::World { after: None }, parser: self };
        let (term, of_type) = cursor.term()?;
        cursor.end()?;
        if !matches!(of_type, Some(Type::Number(..))) {
            return Err(ExprError { at: 0, message: "this is not a number".to_owned() });
        }
        Ok(term)
    }

    fn world_condition(
        &mut self,
        text: &str,
        tokens: &[Token],
        after: Option<usize>,
    ) -> Result<Condition, ExprError> {
        let mut cursor = Cursor { text, tokens, next: 0, names: Names::World { after }, parser: self };
        let condition = cursor.condition()?;
        cursor.end()?;
        Ok(condition)
    }

    fn tokens_to_pattern(
        &mut self,
        text: &str,
        tokens: &[Token],
        after: Option<usize>,
    ) -> Result<Pattern, ExprError> {
        let Some(Token { at, what: What::Word(name) }) = tokens.first() else {
            let message = "expected a kind of message, such as `alarm.raised`".to_owned();
            return Err(ExprError { at: 0, message });
        };
        let kind = KINDS.iter().position(|kind| kind.name == name).ok_or_else(|| {
            let hint = did_you_mean(name, KINDS.iter().map(|kind| kind.name));
            ExprError { at: *at, message: format!("`{name}` is no kind of message{hint}") }
        })?;
        let mut cursor =
            Cursor { text, tokens, next: 1, names: Names::Message { kind, after }, parser: self };
        let condition = if cursor.word("where") { Some(cursor.condition()?) } else { None };
        cursor.end()?;
        Ok(Pattern { kind, condition })
    }
}

struct Cursor<'t, 'p, 'a> {
    text: &'t str,
    tokens: &'t [Token],
    next: usize,
    names: Names,
    parser: &'p mut Parser<'a>,
}

impl<'t> Cursor<'t, '_, '_> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.next)
    }

    fn at(&self) -> usize {
        self.peek().map_or(self.text.len(), |token| token.at)
    }

    fn error<T>(&self, at: usize, message: impl Into<String>) -> Result<T, ExprError> {
        Err(ExprError { at, message: message.into() })
    }

    /// Steps over this word, if it is next.
    fn word(&mut self, word: &str) -> bool {
        let is = matches!(self.peek(), Some(Token { what: What::Word(next), .. }) if next == word);
        self.next += usize::from(is);
        is
    }

    fn expect(&mut self, what: &What, name: &str) -> Result<(), ExprError> {
        if self.peek().is_some_and(|token| token.what == *what) {
            self.next += 1;
            return Ok(());
        }
        self.error(self.at(), format!("expected {name}"))
    }

    fn end(&self) -> Result<(), ExprError> {
        match self.peek() {
            None => Ok(()),
            Some(token) => self.error(token.at, "expected `and`, `or`, or the end here"),
        }
    }

    fn condition(&mut self) -> Result<Condition, ExprError> {
        let mut left = self.conjunction()?;
        while self.word("or") {
            left = Condition::Or(Box::new(left), Box::new(self.conjunction()?));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Condition, ExprError> {
        let mut left = self.negation()?;
        while self.word("and") {
            left = Condition::And(Box::new(left), Box::new(self.negation()?));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Condition, ExprError> {
        if self.word("not") {
            return Ok(Condition::Not(Box::new(self.negation()?)));
        }
        if self.peek().is_some_and(|token| token.what == What::Open) {
            self.next += 1;
            let inner = self.condition()?;
            self.expect(&What::Close, "`)`")?;
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Condition, ExprError> {
        let left_at = self.at();
        let (mut left, left_type) = self.term()?;
        let Some(Token { what: What::Relation(relation), .. }) = self.peek() else {
            return match left_type {
                Some(Type::Flag) => Ok(Condition::Is(left)),
                _ => self.error(self.at(), "expected a comparison such as `== 0`"),
            };
        };
        self.next += 1;
        let right_at = self.at();
        let (mut right, right_type) = self.term()?;
        match (left_type, right_type) {
            (None, None) => return self.error(left_at, self.no_field(&left)),
            (Some(of_type), None) => self.settle(&mut right, of_type, right_at)?,
            (None, Some(of_type)) => self.settle(&mut left, of_type, left_at)?,
            (Some(a), Some(b)) if std::mem::discriminant(&a) != std::mem::discriminant(&b) => {
                let message = format!("cannot compare {} with {}", a.describe(), b.describe());
                return self.error(right_at, message);
            }
            _ => {}
        }
        let ordered = !matches!(relation, Relation::Equal | Relation::NotEqual);
        if ordered && !matches!(left_type.or(right_type), Some(Type::Number(..))) {
            return self.error(left_at, "only numbers can be less or greater");
        }
        Ok(Condition::Compare(left, *relation, right))
    }

    fn no_field(&self, term: &Term) -> String {
        let Term::Literal(value) = term else { return "expected a field".to_owned() };
        let name = value.to_string();
        let (whose, known): (String, Vec<&str>) = match self.names {
            Names::Message { kind, .. } => (KINDS[kind].name.to_owned(), KINDS[kind].field_names().collect()),
            Names::Lamp => ("a luminaire".to_owned(), LAMP_FIELDS.iter().map(|field| field.name).collect()),
            Names::World { .. } => {
                return format!(
                    "`{name}` is not known here: name a luminaire's field (`l-0012.actual`) or count: \
                     `count(lamps where …)`"
                );
            }
        };
        let hint = did_you_mean(&name, known.iter().copied());
        let all = if hint.is_empty() { format!("; it has {}", known.join(", ")) } else { hint };
        format!("`{name}` is no field of {whose}{all}")
    }

    /// Makes a literal fit what it is compared with.
    fn settle(&self, literal: &mut Term, of_type: Type, at: usize) -> Result<(), ExprError> {
        let Term::Literal(value) = literal else { return Ok(()) };
        let fits = match (of_type, &*value) {
            (Type::Number(min, max), Value::Number(number)) => (min..=max).contains(number),
            (Type::Flag, Value::Text(text)) if text == "true" || text == "false" => {
                *value = Value::Flag(text == "true");
                true
            }
            (Type::Word(words), Value::Text(text)) if !words.contains(&text.as_ref()) => {
                let hint = did_you_mean(text, words.iter().copied());
                return self.error(at, format!("expected {}, got `{text}`{hint}", of_type.describe()));
            }
            (Type::Word(_) | Type::Text, Value::Text(_)) => true,
            (Type::Lamp | Type::Resident | Type::Provider, Value::Text(text)) => {
                let known = in_city(self.parser.plan, of_type, text);
                return known.map_err(|message| ExprError { at, message });
            }
            _ => false,
        };
        if fits { Ok(()) } else { self.error(at, format!("expected {}, got `{value}`", of_type.describe())) }
    }

    /// A term and its type; a literal has none yet.
    fn term(&mut self) -> Result<(Term, Option<Type>), ExprError> {
        let at = self.at();
        let Some(token) = self.peek() else { return self.error(at, "expected a field or a value") };
        self.next += 1;
        let word = match &token.what {
            What::Number(number) => return Ok((Term::Literal(Value::Number(*number)), None)),
            What::Text(text) => return Ok((Term::Literal(Value::Text(text.clone().into())), None)),
            What::Word(word) => word,
            _ => return self.error(at, "expected a field or a value"),
        };
        match word.as_str() {
            "count" | "share" | "sum" => return self.aggregate(word, at),
            "and" | "or" | "not" | "where" => return self.error(at, "expected a field or a value"),
            _ => {}
        }
        if let Some(name) = word.strip_prefix("after.") {
            let field = self.after_field(name, at)?;
            return Ok((Term::After(field), Some(field.of_type)));
        }
        if let Some((id, name)) = word.split_once('.')
            && let Ok(id) = id.parse::<LuminaireId>()
        {
            in_city(self.parser.plan, Type::Lamp, &id.to_string())
                .map_err(|message| ExprError { at, message })?;
            let field = lamp_field(name, at)?;
            return Ok((Term::OneLamp(crate::facts::index_of(id), field), Some(field.of_type)));
        }
        Ok(match self.names {
            Names::Message { kind, .. } => match field_of(kind, word) {
                Some(field) => (Term::Field(field), Some(field.of_type)),
                None => literal(word),
            },
            Names::Lamp => match LampField::named(word) {
                Some(field) => (Term::Lamp(field), Some(field.of_type)),
                None => literal(word),
            },
            Names::World { .. } => literal(word),
        })
    }

    fn after_field(&self, name: &str, at: usize) -> Result<Field, ExprError> {
        let (Names::Message { after, .. } | Names::World { after }) = self.names else {
            return self.error(at, "`after.` has no meaning here");
        };
        let Some(kind) = after else {
            return self.error(at, "`after.` has a meaning only in `then` and `then_not`");
        };
        field_of(kind, name).ok_or_else(|| {
            let hint = did_you_mean(name, KINDS[kind].field_names());
            ExprError { at, message: format!("`{name}` is no field of {}{hint}", KINDS[kind].name) }
        })
    }

    fn aggregate(&mut self, form: &str, at: usize) -> Result<(Term, Option<Type>), ExprError> {
        self.expect(&What::Open, "`(`")?;
        let (form, condition) = if form == "sum" {
            let at = self.at();
            let Some(Token { what: What::Word(word), .. }) = self.peek() else {
                return self.error(at, "expected `lamps.` and a field");
            };
            self.next += 1;
            let Some(name) = word.strip_prefix("lamps.") else {
                return self.error(at, "expected `lamps.` and a field, such as `lamps.energy_wh`");
            };
            let field = lamp_field(name, at + "lamps.".len())?;
            if !matches!(field.of_type, Type::Number(..)) {
                return self.error(at, format!("`{name}` is not a number"));
            }
            (Form::Sum(field), self.lamp_condition()?)
        } else {
            if !self.word("lamps") {
                return self.error(self.at(), "expected `lamps`");
            }
            let form = if form == "count" { Form::Count } else { Form::Share };
            (form, self.lamp_condition()?)
        };
        self.expect(&What::Close, "`)`")?;
        let text = self.text[at..self.tokens[self.next - 1].at + 1].to_owned();
        let of_type = match form {
            Form::Share => Type::Number(0.0, 1.0),
            Form::Count => AMOUNT,
            Form::Sum(_) => NUMBER,
        };
        self.parser.aggregates.push(Aggregate::new(text, form, condition));
        Ok((Term::Aggregate(self.parser.aggregates.len() - 1), Some(of_type)))
    }

    fn lamp_condition(&mut self) -> Result<Option<Condition>, ExprError> {
        if !self.word("where") {
            return Ok(None);
        }
        let outside = std::mem::replace(&mut self.names, Names::Lamp);
        let condition = self.condition();
        self.names = outside;
        condition.map(Some)
    }
}

fn literal(word: &str) -> (Term, Option<Type>) {
    (Term::Literal(Value::Text(word.to_owned().into())), None)
}

fn field_of(kind: usize, name: &str) -> Option<Field> {
    KINDS[kind].fields.iter().copied().find(|field| field.name == name)
}

fn lamp_field(name: &str, at: usize) -> Result<LampField, ExprError> {
    LampField::named(name).ok_or_else(|| {
        let hint = did_you_mean(name, LAMP_FIELDS.iter().map(|field| field.name));
        ExprError { at, message: format!("`{name}` is no field of a luminaire{hint}") }
    })
}

/// Whether the city has someone or something with this id.
pub(crate) fn in_city(plan: &Plan, of_type: Type, text: &str) -> Result<(), String> {
    let (number, last, prefix) = match of_type {
        Type::Lamp => (text.parse::<LuminaireId>().ok().map(|id| id.0), plan.luminaires().len() as u32, "l"),
        Type::Resident => (text.parse::<ResidentId>().ok().map(|id| id.0), plan.spec().residents, "r"),
        Type::Provider => (text.parse::<ProviderId>().ok().map(|id| id.0), plan.spec().clinics, "h"),
        _ => return Ok(()),
    };
    match number {
        Some(number) if (1..=last).contains(&number) => Ok(()),
        Some(_) => Err(format!("`{text}` is not in this city: it has {prefix}-0001 to {prefix}-{last:04}")),
        None => Err(format!("expected {}, got `{text}`", of_type.describe())),
    }
}
