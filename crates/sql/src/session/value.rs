//! The values and the variables of a SET.

use crate::lexer::token::{Token, TokenKind};
use crate::session::assignment::Value;
use crate::session::cursor::Cursor;

/// Functions that only compute. Called without a database's name each is the built-in one, however it is written.
const PURE: [&str; 11] = [
    "concat",
    "concat_ws",
    "replace",
    "ifnull",
    "nullif",
    "coalesce",
    "if",
    "lower",
    "upper",
    "greatest",
    "least",
];
/// Words that an expression may hold.
const WORDS: [&str; 7] = ["null", "true", "false", "is", "not", "and", "or"];
/// What an expression may be made of besides.
const OPERATORS: [&str; 13] = ["(", ")", ",", "+", "-", "*", "/", "%", "|", "&", "~", "^", "="];
impl Cursor<'_> {
    /// Up to a comma that stands in no parentheses, or the end.
    pub(crate) fn value(&mut self) -> Option<Value> {
        let from = self.at;
        let mut depth = 0_u32;
        while let Some(token) = self.peek() {
            match token.text {
                "," if depth == 0 => break,
                ";" => return None,
                "(" => depth += 1,
                ")" => depth = depth.checked_sub(1)?,
                _ => {}
            }
            self.at += 1;
        }
        let to = self.at;
        if depth > 0 || from == to {
            return None;
        }
        if let Some(value) = self.single(from, to) {
            return Some(value);
        }
        Some(match self.reads(from, to) {
            Some(reads) => Value::Expression { text: self.text(from, to), reads },
            None => Value::Other(self.text(from, to)),
        })
    }

    /// A literal, or one variable.
    fn single(&self, from: usize, to: usize) -> Option<Value> {
        match &self.tokens[from..to] {
            [one] if one.kind == TokenKind::Variable => match variable(one.text)? {
                Variable::User(name) => Some(Value::User(name)),
                Variable::Session(name) => Some(Value::System(name)),
                Variable::Global(_) => None,
            },
            [one] if one.is("default") => Some(Value::Default),
            [one] => literal(*one, "").map(Value::Literal),
            [sign, number] if sign.is_symbol("-") && number.kind == TokenKind::Number => {
                literal(*number, "-").map(Value::Literal)
            }
            _ => None,
        }
    }

    /// The variables of an expression that only computes; `None` when it may do more.
    fn reads(&self, from: usize, to: usize) -> Option<Vec<Value>> {
        let mut reads = Vec::new();
        for at in from..to {
            let token = self.tokens[at];
            let is_pure = match token.kind {
                TokenKind::Number | TokenKind::String => true,
                TokenKind::Variable => match variable(token.text)? {
                    Variable::User(name) => {
                        reads.push(Value::User(name));
                        true
                    }
                    Variable::Session(name) => {
                        reads.push(Value::System(name));
                        true
                    }
                    Variable::Global(_) => false,
                },
                TokenKind::Word if token.is_any(&WORDS) => true,
                TokenKind::Word => {
                    let called = at + 1 < to && self.tokens[at + 1].is_symbol("(");
                    token.is_any(&PURE) && called && !self.tokens[at - 1].is_symbol(".")
                }
                TokenKind::Symbol => OPERATORS.contains(&token.text),
                TokenKind::Name => false,
            };
            if !is_pure {
                return None;
            }
        }
        Some(reads)
    }

    /// These tokens as SQL: one space between two of them, none inside of parentheses, before a comma, or where a call
    /// or a name would change by it.
    fn text(&self, from: usize, to: usize) -> String {
        let mut text = String::new();
        for at in from..to {
            let token = self.tokens[at];
            let tight = text.is_empty()
                || text.ends_with(['(', '.', '@'])
                || token.is_symbol(")")
                || token.is_symbol(",")
                || (token.is_symbol("(") || token.is_symbol(".") || token.is_symbol("="))
                    && self.is_adjacent(at);
            if !tight {
                text.push(' ');
            }
            match token.kind {
                TokenKind::Variable => text.push_str(&token.text.to_ascii_lowercase()),
                _ => text.push_str(token.text),
            }
        }
        text
    }
}

pub(crate) enum Variable {
    User(String),
    Session(String),
    Global(String),
}

/// What `@…` names.
pub(crate) fn variable(text: &str) -> Option<Variable> {
    let Some(system) = text.strip_prefix("@@") else {
        let name = unquoted(text.strip_prefix('@')?);
        return (!name.is_empty()).then_some(Variable::User(name));
    };
    let (scope, name) = system.split_once('.').unwrap_or(("", system));
    let is = |words: &[&str]| words.iter().any(|word| scope.eq_ignore_ascii_case(word));
    let name = canonical(&unquoted(name));
    match name.is_empty() {
        true => None,
        false if is(&["", "session", "local"]) && !name.contains('.') => Some(Variable::Session(name)),
        false if is(&["global", "persist", "persist_only"]) => Some(Variable::Global(name)),
        false => Some(Variable::Global(format!("{}.{name}", scope.to_ascii_lowercase()))),
    }
}

/// A variable's name, in lower case, and one for those that have two.
pub(crate) fn canonical(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "tx_isolation" => "transaction_isolation".into(),
        "tx_read_only" => "transaction_read_only".into(),
        lower => lower.into(),
    }
}

pub(crate) fn name_of(token: Token<'_>) -> Option<String> {
    matches!(token.kind, TokenKind::Word | TokenKind::Name).then(|| unquoted(token.text))
}

/// A name in lower case, without its quotes.
fn unquoted(name: &str) -> String {
    let name = name.to_lowercase();
    for quote in ['`', '"', '\''] {
        if let Some(inner) = name.strip_prefix(quote).and_then(|inner| inner.strip_suffix(quote)) {
            return inner.replace(&format!("{quote}{quote}"), &quote.to_string());
        }
    }
    name
}

pub(crate) fn literal(token: Token<'_>, sign: &str) -> Option<String> {
    match token.kind {
        TokenKind::Word | TokenKind::Number => Some(format!("{sign}{}", token.text)),
        TokenKind::String => {
            let inner = token.text.get(1..token.text.len().checked_sub(1)?)?;
            let is_plain = token.text.starts_with(['\'', '"']) && !inner.contains(['\'', '"', '\\']);
            is_plain.then(|| format!("'{inner}'"))
        }
        _ => None,
    }
}
