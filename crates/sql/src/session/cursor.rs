//! The tokens of a SET, taken one by one.

use crate::lexer::scanner::SqlMode;
use crate::lexer::token::{Token, Tokens};

/// The tokens of a SET statement, and the one that comes next.
pub(crate) struct Cursor<'a> {
    pub(crate) sql: &'a str,
    pub(crate) tokens: Vec<Token<'a>>,
    /// The index of the next token.
    pub(crate) at: usize,
}

impl<'a> Cursor<'a> {
    /// Behind the word SET; without tokens of what is no SET.
    pub(crate) fn new(sql: &'a str, mode: SqlMode) -> Self {
        // Nothing that is not a SET costs more than its first word.
        let is_set = Tokens::new(sql, mode).next().is_some_and(|token| token.is("set"));
        let tokens = if is_set { Tokens::new(sql, mode).collect() } else { Vec::new() };
        Self { sql, tokens, at: 1 }
    }

    /// Where a token begins.
    pub(crate) fn offset(&self, at: usize) -> usize {
        self.tokens[at].at
    }

    /// Whether this token begins where the one before it ends.
    pub(crate) fn is_adjacent(&self, at: usize) -> bool {
        at > 0 && self.offset(at) == self.offset(at - 1) + self.tokens[at - 1].text.len()
    }

    pub(crate) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    pub(crate) fn next(&mut self) -> Option<Token<'a>> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    pub(crate) fn take(&mut self, word: &str) -> bool {
        self.take_any(&[word])
    }

    pub(crate) fn must_take(&mut self, word: &str) -> Option<bool> {
        self.take(word).then_some(true)
    }

    pub(crate) fn take_any(&mut self, words: &[&str]) -> bool {
        let is = self.peek().is_some_and(|token| token.is_any(words));
        self.at += usize::from(is);
        is
    }

    pub(crate) fn take_symbol(&mut self, symbol: &str) -> bool {
        let is = self.peek().is_some_and(|token| token.is_symbol(symbol));
        self.at += usize::from(is);
        is
    }
}
