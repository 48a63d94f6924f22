//! The tokens of a statement: words, names, numbers, strings, symbols.

use std::borrow::Cow;

use crate::lexer::scanner::{Context, Open, Scanner, SqlMode, Stops, is_word, version_digits};
use crate::lexer::word::{Lexeme, WordReader};

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
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

/// One token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) kind: TokenKind,
    /// Its text, quotes included.
    pub(crate) text: &'a str,
    /// Where in the statement it begins.
    pub(crate) at: usize,
    /// The number of parentheses around it; a parenthesis does not count itself.
    pub(crate) depth: u32,
    /// Where the version comment around it was opened, if there is one: the server at hand may skip it.
    pub(crate) version: Option<usize>,
}

impl<'a> Token<'a> {
    /// A word, which may be a keyword, or a name, without its quotes.
    pub(crate) fn identifier(&self) -> Option<Cow<'a, str>> {
        match self.kind {
            TokenKind::Word | TokenKind::Name if self.text.starts_with(['`', '"']) => {
                Some(unquoted(self.text))
            }
            TokenKind::Word | TokenKind::Name => Some(Cow::Borrowed(self.text)),
            _ => None,
        }
    }

    /// What some server takes for a name here, without its quotes: an [`identifier`](Token::identifier), and a string
    /// in double quotes, which is a name under ANSI_QUOTES.
    pub(crate) fn name(&self) -> Option<Cow<'a, str>> {
        match self.kind {
            TokenKind::String if self.text.starts_with('"') => Some(unquoted(self.text)),
            _ => self.identifier(),
        }
    }

    /// Whether it is this keyword.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether it is one of these keywords.
    pub(crate) fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }

    pub(crate) fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == TokenKind::Symbol && self.text == symbol
    }
}

/// Iterates over the tokens of one statement that [`crate::inspect`] has accepted: without its comments, but with what
/// stands in version comments. It does not allocate.
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

    /// Passes the token at the scanner's byte; returns `None` for a comment.
    fn take(&mut self, byte: u8) -> Option<TokenKind> {
        let bytes = self.text.as_bytes();
        if !(is_word(byte) || matches!(byte, b'.' | b'@' | b'\\')) {
            if matches!(byte, b'\'' | b'"' | b'`' | b'#' | b'-' | b'/' | b'*') {
                return self.step();
            }
            self.scanner.at += 1;
            return Some(TokenKind::Symbol);
        }
        let (lexeme, end) = self.words.read(bytes, self.scanner.at);
        self.scanner.at = end;
        Some(match lexeme {
            Lexeme::Word if !self.after_dot => TokenKind::Word,
            Lexeme::Word | Lexeme::Name => TokenKind::Name,
            Lexeme::Number | Lexeme::Broken => TokenKind::Number,
            Lexeme::Symbol => TokenKind::Symbol,
            Lexeme::Prefix => {
                self.step();
                TokenKind::String
            }
            Lexeme::Variable => {
                let begins = matches!(bytes[end - 1], b'@' | b'.');
                if begins && matches!(bytes.get(end), Some(b'`' | b'"' | b'\'')) {
                    self.step();
                }
                TokenKind::Variable
            }
        })
    }

    /// Passes a byte that begins no word, with the string or comment that it opens.
    fn step(&mut self) -> Option<TokenKind> {
        let bytes = self.text.as_bytes();
        let version = self.scanner.version;
        self.scanner.step(bytes, true);
        match self.scanner.context {
            Context::Quoted { .. } => {
                let quoted = self.scanner.still_open().map(|(open, _)| open);
                self.scanner.leave(bytes, true);
                Some(if quoted == Some(Open::Identifier) { TokenKind::Name } else { TokenKind::String })
            }
            Context::Line | Context::Block => None,
            Context::Code if version != self.scanner.version => {
                if version.is_none() {
                    self.scanner.at += version_digits(&bytes[self.scanner.at..]);
                }
                None
            }
            Context::Code => Some(TokenKind::Symbol),
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        static ALL: Stops = Stops::all_but_space();
        loop {
            let byte = self.scanner.run(self.text.as_bytes(), &ALL, true)?;
            let at = self.scanner.at;
            let version = self.scanner.version;
            let Some(kind) = self.take(byte) else { continue };
            if byte == b')' {
                self.depth = self.depth.saturating_sub(1);
            }
            let depth = self.depth;
            if byte == b'(' {
                self.depth += 1;
            }
            let text = &self.text[at..self.scanner.at];
            self.after_dot = byte == b'.' && kind == TokenKind::Symbol;
            return Some(Token { kind, text, at, depth, version });
        }
    }
}

/// The text between the quotes.
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
        assert_eq!((found[11].kind, found[13].kind), (TokenKind::Number, TokenKind::Word));
        assert_eq!(
            (found[1].kind, found[3].kind, found[7].kind),
            (TokenKind::Name, TokenKind::Name, TokenKind::String)
        );
        assert!(found[14].version.is_some() && found[15].version.is_none());
        assert_eq!([found[15].depth, found[16].depth, found[17].depth], [0, 1, 0]);
    }
}
