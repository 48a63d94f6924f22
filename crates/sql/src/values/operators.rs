//! What computes, what compares, and what parts one expression from the next.

use crate::lexer::token::{Token, TokenKind};
use crate::values::words::is_function;

/// What a token is to the expression around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// An operator that computes: its operands are numbers.
    Computes,
    /// Its result is true or false, whatever its operands are.
    Compares,
    /// Both sides are conditions of their own.
    Parts,
    /// All else.
    None,
}

/// What INTERVAL may be followed by, behind its number.
const UNITS: &[&str] = &[
    "microsecond",
    "second",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "quarter",
    "year",
    "second_microsecond",
    "minute_microsecond",
    "minute_second",
    "hour_microsecond",
    "hour_second",
    "hour_minute",
    "day_microsecond",
    "day_second",
    "day_minute",
    "day_hour",
    "year_month",
    "sql_tsi_second",
    "sql_tsi_minute",
    "sql_tsi_hour",
    "sql_tsi_day",
    "sql_tsi_week",
    "sql_tsi_month",
    "sql_tsi_quarter",
    "sql_tsi_year",
];
const COMPARE: &[&str] = &["like", "rlike", "regexp", "in", "between", "is", "sounds", "member"];
const PART: &[&str] = &["and", "or", "xor"];
/// What no `*` that multiplies stands before.
const AFTER_STAR: &[&str] =
    &["from", "into", "where", "order", "limit", "union", "except", "intersect", "as"];

/// The role of every token.
pub(crate) fn roles(tokens: &[Token<'_>]) -> Vec<Role> {
    let mut roles = vec![Role::None; tokens.len()];
    let mut at = 0;
    while at < tokens.len() {
        let (role, length) = role(tokens, at);
        roles[at..at + length].fill(role);
        at += length;
    }
    intervals(tokens, &mut roles);
    roles
}

/// The role of what begins at a token, and of how many tokens that is.
fn role(tokens: &[Token<'_>], at: usize) -> (Role, usize) {
    let token = tokens[at];
    match token.kind {
        TokenKind::Word => (word(tokens, at), 1),
        TokenKind::Symbol => {
            let length = joined(tokens, at);
            let text: String = tokens[at..at + length].iter().map(|token| token.text).collect();
            let role = match text.as_str() {
                "+" | "-" | "/" | "%" | "&" | "|" | "^" | "~" | "<<" | ">>" => Role::Computes,
                "*" if multiplies(tokens, at) => Role::Computes,
                "=" | "<" | ">" | "<=" | ">=" | "<>" | "!=" | "<=>" | ":=" => Role::Compares,
                "&&" | "||" => Role::Parts,
                _ => Role::None,
            };
            (role, length)
        }
        TokenKind::Name | TokenKind::Number | TokenKind::String | TokenKind::Variable => (Role::None, 1),
    }
}

fn word(tokens: &[Token<'_>], at: usize) -> Role {
    let token = tokens[at];
    // Before a parenthesis MOD is the function, unless something stands before it to be divided.
    if token.is("div") || token.is("mod") && !is_function(tokens, at) {
        Role::Computes
    } else if token.is_any(COMPARE) {
        Role::Compares
    } else if token.is_any(PART) {
        Role::Parts
    } else {
        Role::None
    }
}

/// How many symbols from this one on are one operator: those that touch each other.
fn joined(tokens: &[Token<'_>], at: usize) -> usize {
    const LONG: [&str; 12] = ["->>", "<=>", "->", "<<", ">>", "<=", ">=", "<>", "!=", ":=", "&&", "||"];
    let touching = |count: usize| {
        let part = tokens.get(at..at + count)?;
        let touch = part.windows(2).all(|two| end(&two[0]) == two[1].text.as_ptr() as usize);
        touch.then(|| part.iter().map(|token| token.text).collect::<String>())
    };
    let is = |operator: &&&str| touching(operator.len()).is_some_and(|text| text == **operator);
    LONG.iter().find(is).map_or(1, |operator| operator.len())
}

fn end(token: &Token<'_>) -> usize {
    token.text.as_ptr() as usize + token.text.len()
}

/// Whether a star stands between two operands, and not for all columns or rows.
fn multiplies(tokens: &[Token<'_>], at: usize) -> bool {
    let all = at > 0 && tokens[at - 1].is_symbol(".");
    let next = tokens.get(at + 1);
    !all && next.is_some_and(|next| !(next.is_symbol(",") || next.is_symbol(")") || next.is_any(AFTER_STAR)))
}

/// Takes from `+` and `-` what they are to dates: `d + INTERVAL 1 DAY`, `INTERVAL 1 DAY + d`.
fn intervals(tokens: &[Token<'_>], roles: &mut [Role]) {
    for at in 0..tokens.len() {
        let Some(unit) = tokens[at].is("interval").then(|| unit(tokens, at)).flatten() else { continue };
        let is_sign = |at: usize| tokens[at].is_symbol("+") || tokens[at].is_symbol("-");
        match at.checked_sub(1).filter(|before| is_sign(*before)) {
            Some(before) => roles[before] = Role::None,
            None if tokens.get(unit + 1).is_some() && is_sign(unit + 1) => roles[unit + 1] = Role::None,
            None => {}
        }
    }
}

/// The unit of an INTERVAL; `None` of the function of that name.
pub(crate) fn unit(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let depth = tokens[at].depth;
    let rest = tokens.iter().enumerate().skip(at + 1).take_while(|(_, token)| token.depth >= depth);
    let mut same_depth = rest.filter(|(_, token)| token.depth == depth);
    same_depth
        .find(|(_, token)| token.is_any(UNITS) || token.is_symbol(",") || token.is("interval"))
        .filter(|(_, token)| token.is_any(UNITS))
        .map(|(at, _)| at)
}
