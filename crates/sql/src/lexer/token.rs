//! The words, names and symbols of a statement, one after the other.

use std::borrow::Cow;

use crate::lexer::scanner::{Open, Scanner, SqlMode, State, Stops, is_word, version_digits};
use crate::lexer::word::{Lexeme, WordReader};

/// What a piece of code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A keyword or a plain name.
    Word,
    /// What can only be a name: quoted, or beside a dot.
    Name,
    /// A number, or MariaDB's `\N`.
    Number,
    /// A string, with the letter of `x'…'`, `b'…'` or `n'…'`.
    String,
    /// `@name` or `@@name`, with the quotes of the name.
    Variable,
    /// Any other single byte.
    Symbol,
}

/// One piece of code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) what: What,
    /// As it stands there, quotes included.
    pub(crate) text: &'a str,
    /// Where in the statement it begins.
    pub(crate) at: usize,
    /// Parentheses around it; its own, when it is one, not counted.
    pub(crate) depth: u32,
    /// The version comment that it stands in, by where that was opened: the server at hand may skip it.
    pub(crate) version: Option<usize>,
}

impl<'a> Token<'a> {
    /// A word, which may be a keyword, or a name, without its quotes.
    pub(crate) fn identifier(&self) -> Option<Cow<'a, str>> {
        match self.what {
            What::Word | What::Name if self.text.starts_with(['`', '"']) => Some(unquoted(self.text)),
            What::Word | What::Name => Some(Cow::Borrowed(self.text)),
            _ => None,
        }
    }

    /// What some server takes for a name here, without its quotes: an [`identifier`](Token::identifier), and a string in
    /// double quotes, which is a name under ANSI_QUOTES.
    pub(crate) fn name(&self) -> Option<Cow<'a, str>> {
        match self.what {
            What::String if self.text.starts_with('"') => Some(unquoted(self.text)),
            _ => self.identifier(),
        }
    }

    /// Whether it is this keyword.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        self.what == What::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether it is one of these keywords.
    pub(crate) fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }

    pub(crate) fn is_symbol(&self, symbol: &str) -> bool {
        self.what == What::Symbol && self.text == symbol
    }
}

/// The tokens of one statement that [`crate::inspect`] has taken. Comments are left out, what stands in version
/// comments is not. It does not allocate.
#[derive(Clone)]
pub(crate) struct Tokens<'a> {
    text: &'a str,
    scanner: Scanner,
    depth: u32,
    words: WordReader,
    after_dot: bool,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(text: &'a str, mode: SqlMode) -> Self {
        let words = WordReader::default();
        Self { text, scanner: Scanner::new(mode), depth: 0, words, after_dot: false }
    }

    /// Passes what begins at the scanner's byte; `None` for a comment.
    fn take(&mut self, byte: u8) -> Option<What> {
        let bytes = self.text.as_bytes();
        if !(is_word(byte) || matches!(byte, b'.' | b'@' | b'\\')) {
            if matches!(byte, b'\'' | b'"' | b'`' | b'#' | b'-' | b'/' | b'*') {
                return self.step();
            }
            self.scanner.at += 1;
            return Some(What::Symbol);
        }
        let (lexeme, end) = self.words.read(bytes, self.scanner.at);
        self.scanner.at = end;
        Some(match lexeme {
            Lexeme::Word if !self.after_dot => What::Word,
            Lexeme::Word | Lexeme::Name => What::Name,
            Lexeme::Number | Lexeme::Broken => What::Number,
            Lexeme::Symbol => What::Symbol,
            Lexeme::Prefix => {
                self.step();
                What::String
            }
            Lexeme::Variable => {
                let begins = matches!(bytes[end - 1], b'@' | b'.');
                if begins && matches!(bytes.get(end), Some(b'`' | b'"' | b'\'')) {
                    self.step();
                }
                What::Variable
            }
        })
    }

    /// Passes what is no word, with the string or comment that it opens.
    fn step(&mut self) -> Option<What> {
        let bytes = self.text.as_bytes();
        let version = self.scanner.version;
        self.scanner.step(bytes, true);
        match self.scanner.state {
            State::Quoted { .. } => {
                let quoted = self.scanner.still_open().map(|(open, _)| open);
                self.scanner.leave(bytes, true);
                Some(if quoted == Some(Open::Identifier) { What::Name } else { What::String })
            }
            State::Line | State::Block => None,
            State::Code if version != self.scanner.version => {
                if version.is_none() {
                    self.scanner.at += version_digits(&bytes[self.scanner.at..]);
                }
                None
            }
            State::Code => Some(What::Symbol),
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        static ALL: Stops = Stops::all_but_space();
        loop {
            let byte = self.scanner.run(self.text.as_bytes(), &ALL, true)?;
            let (at, version) = (self.scanner.at, self.scanner.version);
            let Some(what) = self.take(byte) else { continue };
            if byte == b')' {
                self.depth = self.depth.saturating_sub(1);
            }
            let depth = self.depth;
            if byte == b'(' {
                self.depth += 1;
            }
            let text = &self.text[at..self.scanner.at];
            self.after_dot = byte == b'.' && what == What::Symbol;
            return Some(Token { what, text, at, depth, version });
        }
    }
}

/// What is between the quotes.
fn unquoted(text: &str) -> Cow<'_, str> {
    let (quote, inner) = text.split_at(1);
    let inner = inner.strip_suffix(quote).unwrap_or(inner);
    if inner.contains(quote) { inner.replace(&quote.repeat(2), quote).into() } else { inner.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_left_out_and_version_comments_are_not() {
        let sql = "UPDATE /* a */ `a``b`.c SET x = 'it''s', @y = 1.5e3 + 5a /*!50000 WHERE */ (d) -- e";
        let found: Vec<_> = Tokens::new(sql, SqlMode::default()).collect();
        let texts: Vec<&str> = found.iter().map(|token| token.text).collect();
        let wanted =
            ["UPDATE", "`a``b`", ".", "c", "SET", "x", "=", "'it''s'", ",", "@y", "=", "1.5e3", "+", "5a"];
        assert_eq!(texts[..14], wanted);
        assert_eq!(texts[14..], ["WHERE", "(", "d", ")"]);
        assert_eq!((found[11].what, found[13].what), (What::Number, What::Word));
        assert_eq!((found[1].what, found[3].what, found[7].what), (What::Name, What::Name, What::String));
        assert!(found[14].version.is_some() && found[15].version.is_none());
        assert_eq!([found[15].depth, found[16].depth, found[17].depth], [0, 1, 0]);
    }
}
