//! The words, names and symbols of a statement, one after the other.

use super::SqlMode;
use super::scan::{Scanner, State, Stops, is_word};
use super::special;

/// What a piece of code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A keyword or a plain name.
    Word,
    /// What can only be a name: quoted, or after a dot.
    Name,
    /// A number, or what begins like one.
    Number,
    /// A string.
    String,
    /// `@name` or `@@name`.
    Variable,
    /// Any other single byte.
    Symbol,
}

/// One piece of code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) what: What,
    /// As it stands there, quotes included.
    pub(super) text: &'a str,
    /// Parentheses around it; its own, when it is one, not counted.
    pub(super) depth: u32,
    /// Whether it stands in a version comment, which the server at hand may skip.
    pub(super) in_version: bool,
}

impl Token<'_> {
    /// Whether it is this keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.what == What::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether it is one of these keywords.
    pub(super) fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }

    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        self.what == What::Symbol && self.text == symbol
    }
}

/// The tokens of one statement that [`super::inspect`] has taken. Comments are left out, what stands in version
/// comments is not. It does not allocate.
#[derive(Clone)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    scanner: Scanner,
    depth: u32,
    after_dot: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str, mode: SqlMode) -> Self {
        Self { text, scanner: Scanner::new(mode), depth: 0, after_dot: false }
    }

    /// Passes what begins at the scanner's byte; `None` for a comment.
    fn take(&mut self, byte: u8) -> Option<What> {
        let bytes = self.text.as_bytes();
        let at = self.scanner.at;
        if is_word(byte) {
            let length = length(&bytes[at..], is_word);
            let number = !self.after_dot && is_number(&bytes[at..at + length]);
            self.scanner.at += length;
            if number && bytes.get(self.scanner.at) == Some(&b'.') {
                self.scanner.at += 1;
                self.scanner.at += self::length(&bytes[self.scanner.at..], is_word);
            }
            return Some(match () {
                () if number => What::Number,
                () if self.after_dot => What::Name,
                () => What::Word,
            });
        }
        if byte == b'@' {
            let is_part = |byte: u8| is_word(byte) || byte == b'@' || byte == b'.';
            self.scanner.at += length(&bytes[at..], is_part);
            return Some(What::Variable);
        }
        let version = self.scanner.version;
        self.scanner.step(bytes, true);
        match self.scanner.state {
            State::Quoted { .. } => {
                let quoted = self.scanner.still_open().map(|(open, _)| open);
                self.scanner.leave(bytes, true);
                Some(if quoted == Some(super::Open::Identifier) { What::Name } else { What::String })
            }
            State::Line | State::Block => None,
            State::Code if version != self.scanner.version => {
                if version.is_none() {
                    self.scanner.at += special::version_digits(&bytes[self.scanner.at..]);
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
            let (at, in_version) = (self.scanner.at, self.scanner.version.is_some());
            let Some(what) = self.take(byte) else { continue };
            if byte == b')' {
                self.depth = self.depth.saturating_sub(1);
            }
            let depth = self.depth;
            if byte == b'(' {
                self.depth += 1;
            }
            self.after_dot = byte == b'.';
            return Some(Token { what, text: &self.text[at..self.scanner.at], depth, in_version });
        }
    }
}

/// Whether a word is a number: a name may begin with digits too.
fn is_number(word: &[u8]) -> bool {
    let digits = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    match word {
        [b'0', b'x' | b'X' | b'b' | b'B', rest @ ..] => rest.iter().all(u8::is_ascii_hexdigit),
        [first, ..] if !first.is_ascii_digit() => false,
        _ => word.split(|byte| matches!(byte, b'e' | b'E')).all(digits),
    }
}

fn length(text: &[u8], is: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|&&byte| is(byte)).count()
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
        assert!(found[14].in_version && !found[15].in_version);
        assert_eq!([found[15].depth, found[16].depth, found[17].depth], [0, 1, 0]);
    }
}
