use super::{ExprError, Relation};

/// A piece of a text, and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// A name or a word: letters, digits, `_`, `-`, `.`.
    Word(String),
    Number(f64),
    /// In single quotes.
    Text(String),
    Relation(Relation),
    Open,
    Close,
}

/// Cuts a text into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ExprError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let (what, length) = match first {
            ' ' | '\t' | '\n' | '\r' => {
                at += first.len_utf8();
                continue;
            }
            '(' => (What::Open, 1),
            ')' => (What::Close, 1),
            '\'' => quoted(text, at)?,
            '=' | '!' | '<' | '>' => relation(text, at)?,
            '0'..='9' | '-' => number(text, at)?,
            _ if first.is_alphabetic() => word(text, at),
            _ => return Err(ExprError { at, message: format!("`{first}` has no meaning here") }),
        };
        tokens.push(Token { at, what });
        at += length;
    }
    Ok(tokens)
}

fn quoted(text: &str, at: usize) -> Result<(What, usize), ExprError> {
    let inner = &text[at + 1..];
    let end = inner.find('\'').ok_or(ExprError { at, message: "this quote is not closed".to_owned() })?;
    Ok((What::Text(inner[..end].to_owned()), end + 2))
}

fn relation(text: &str, at: usize) -> Result<(What, usize), ExprError> {
    let relations = [
        ("==", Relation::Equal),
        ("!=", Relation::NotEqual),
        ("<=", Relation::LessOrEqual),
        (">=", Relation::GreaterOrEqual),
        ("<", Relation::Less),
        (">", Relation::Greater),
    ];
    let found = relations.iter().find(|(sign, _)| text[at..].starts_with(sign));
    let &(sign, relation) = found.ok_or_else(|| {
        let message = "expected one of == != < <= > >=; to compare, write `==`".to_owned();
        ExprError { at, message }
    })?;
    Ok((What::Relation(relation), sign.len()))
}

fn number(text: &str, at: usize) -> Result<(What, usize), ExprError> {
    let rest = &text[at..];
    let length = rest
        .char_indices()
        .find(|&(index, c)| !(c.is_ascii_digit() || c == '.' || (index == 0 && c == '-')))
        .map_or(rest.len(), |(index, _)| index);
    let number = rest[..length]
        .parse()
        .map_err(|_| ExprError { at, message: format!("`{}` is not a number", &rest[..length]) })?;
    let percent = usize::from(rest[length..].starts_with('%'));
    if rest[length + percent..].starts_with(|c: char| c.is_alphanumeric() || c == '_') {
        let message = "a unit has no place here: the unit is in the name of the field".to_owned();
        return Err(ExprError { at: at + length, message });
    }
    Ok((What::Number(number), length + percent))
}

fn word(text: &str, at: usize) -> (What, usize) {
    let rest = &text[at..];
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let length = rest.find(|c| !part(c)).unwrap_or(rest.len());
    (What::Word(rest[..length].to_owned()), length)
}
