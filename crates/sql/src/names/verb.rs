//! The word that says what a statement does, behind what may stand before it.

use std::borrow::Cow;

use crate::lexer::token::{Token, TokenKind, Tokens};

/// What a statement does.
pub(crate) struct Verb<'a> {
    pub(crate) token: Token<'a>,
    /// The names that a WITH before it makes.
    pub(crate) ctes: Vec<Cow<'a, str>>,
}

/// Moves past the word that says what is executed: `DELETE` in `ANALYZE FORMAT=JSON WITH x AS (…) DELETE …`, `SELECT`
/// in `((SELECT …))`. `None` when what stands before it is not known, or is not in the same version comments, and of
/// EXPLAIN, which executes nothing.
pub(crate) fn find<'a>(tokens: &mut Tokens<'a>) -> Option<Verb<'a>> {
    let before = tokens.clone();
    let first = tokens.next()?;
    let verb = skip(first, tokens)?;
    let mut before = before.take_while(|token| token.at < verb.token.at);
    let is_same = verb.token.at == first.at || before.all(|token| token.version == verb.token.version);
    is_same.then_some(verb)
}

fn skip<'a>(mut token: Token<'a>, tokens: &mut Tokens<'a>) -> Option<Verb<'a>> {
    if token.is_any(&["explain", "describe", "desc"]) {
        token = tokens.next().filter(|token| token.is("analyze"))?;
    }
    if token.is("analyze") {
        token = tokens.next()?;
        if token.is("format") {
            tokens.next().filter(|token| token.is_symbol("="))?;
            tokens.next()?;
            token = tokens.next()?;
        }
    }
    while token.is_symbol("(") {
        token = tokens.next()?;
    }
    let mut ctes = Vec::new();
    if token.is("with") {
        token = with(tokens, token.depth, &mut ctes)?;
    }
    (token.kind == TokenKind::Word).then_some(Verb { token, ctes })
}

/// Passes the tables of a WITH at this depth; the word after them.
fn with<'a>(tokens: &mut Tokens<'a>, depth: u32, ctes: &mut Vec<Cow<'a, str>>) -> Option<Token<'a>> {
    let mut token = tokens.next()?;
    // A table may be called so.
    if token.is("recursive")
        && tokens.clone().next().is_some_and(|next| next.name().is_some() && !next.is("as"))
    {
        token = tokens.next()?;
    }
    loop {
        ctes.push(token.name()?);
        token = tokens.next()?;
        if token.is_symbol("(") {
            close(tokens, depth)?;
            token = tokens.next()?;
        }
        if !token.is("as") {
            return None;
        }
        tokens.next().filter(|token| token.is_symbol("("))?;
        close(tokens, depth)?;
        token = tokens.next()?;
        if token.is("cycle") {
            token = tokens.find(|token| token.is("restrict"))?;
            token = tokens.next().filter(|_| token.depth == depth)?;
        }
        if !token.is_symbol(",") {
            break;
        }
        token = tokens.next()?;
    }
    while token.is_symbol("(") {
        token = tokens.next()?;
    }
    Some(token)
}

/// Passes the parenthesis that closes one of this depth.
fn close(tokens: &mut Tokens<'_>, depth: u32) -> Option<()> {
    tokens.find(|token| token.depth == depth && token.is_symbol(")")).map(|_| ())
}
