//! Where a name, a number or a variable ends, by the rules of the servers' lexers: the one place that knows. It does
//! not depend on sql_mode.

use crate::lexer::scanner::{is_word, length_of};

/// What begins at a word, a dot, an `@` or a backslash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lexeme {
    /// A keyword or a plain name.
    Word,
    /// A name that cannot be a keyword: a dot touches it.
    Name,
    /// A number, or MariaDB's `\N`.
    Number,
    /// A number that every server refuses, such as `1.e` and `1..5`.
    Broken,
    /// The letter of `x'…'`, `b'…'` or `n'…'`; the string begins where this ends.
    Prefix,
    /// `@name` or `@@name`; of a quoted name only the `@`.
    Variable,
    /// A dot between names, or any other single byte.
    Symbol,
}

/// Reads the words of one text in their order. The caller passes what stands between them.
#[derive(Clone, Debug)]
pub(crate) struct WordReader {
    /// Where the last unquoted name ended: a dot there is a separator, whatever follows it.
    name_end: usize,
    /// Behind the last dot that is a separator, where only a name can stand.
    separator_end: usize,
}

impl Default for WordReader {
    fn default() -> Self {
        Self { name_end: usize::MAX, separator_end: usize::MAX }
    }
}

impl WordReader {
    /// What begins at `at`, where a byte of a word, a dot, an `@` or a backslash stands, and where it ends.
    #[inline]
    pub(crate) fn read(&mut self, text: &[u8], at: usize) -> (Lexeme, usize) {
        match text[at] {
            b'0'..=b'9' if self.separator_end != at => match number(text, at) {
                Some(number) => number,
                None => self.name(text, at),
            },
            first if is_word(first) => self.name(text, at),
            b'.' => self.dot(text, at),
            b'@' => variable(text, at),
            b'\\' if text.get(at + 1) == Some(&b'N') => (Lexeme::Number, at + 2),
            _ => (Lexeme::Symbol, at + 1),
        }
    }

    fn name(&mut self, text: &[u8], at: usize) -> (Lexeme, usize) {
        let after_dot = self.separator_end == at;
        let end = end_of(text, at, is_word);
        self.name_end = end;
        let is_name = match text.get(end) {
            Some(b'.') => after_dot || text.get(end + 1).is_some_and(|&next| is_word(next)),
            Some(b'\'') if !after_dot && end == at + 1 && is_prefix(text[at]) => {
                return (Lexeme::Prefix, end);
            }
            _ => after_dot,
        };
        (if is_name { Lexeme::Name } else { Lexeme::Word }, end)
    }

    fn dot(&mut self, text: &[u8], at: usize) -> (Lexeme, usize) {
        let next = text.get(at + 1).copied().unwrap_or(b' ');
        if next.is_ascii_digit() && self.name_end != at {
            return fraction(text, at);
        }
        if is_word(next) {
            self.separator_end = at + 1;
        }
        (Lexeme::Symbol, at + 1)
    }
}

fn is_prefix(letter: u8) -> bool {
    matches!(letter, b'x' | b'X' | b'b' | b'B' | b'n' | b'N')
}

/// The number at `at`; `None` when it is a name that begins with digits.
fn number(text: &[u8], at: usize) -> Option<(Lexeme, usize)> {
    let radix = match text.get(at..at + 2) {
        // Lower case only: `0X41` is a name.
        Some(b"0x") => Some(end_of(text, at + 2, |byte| byte.is_ascii_hexdigit())),
        Some(b"0b") => Some(end_of(text, at + 2, |byte| matches!(byte, b'0' | b'1'))),
        _ => None,
    };
    if let Some(end) = radix {
        let ends = text.get(end).is_none_or(|&next| !is_word(next));
        return (ends && end > at + 2).then(|| alone(text, end));
    }
    let end = end_of(text, at, |byte| byte.is_ascii_digit());
    match text.get(end) {
        Some(b'.') => Some(fraction(text, end)),
        Some(b'e' | b'E') => exponent(text, end).map(|end| alone(text, end)),
        Some(&next) if is_word(next) => None,
        _ => Some((Lexeme::Number, end)),
    }
}

/// The number whose point is at `point`.
fn fraction(text: &[u8], point: usize) -> (Lexeme, usize) {
    let end = end_of(text, point + 1, |byte| byte.is_ascii_digit());
    match text.get(end) {
        Some(b'e' | b'E') => match exponent(text, end) {
            Some(end) => alone(text, end),
            None => (Lexeme::Broken, end + 1),
        },
        _ => alone(text, end),
    }
}

/// Where the digits end of an exponent whose `e` is at `at`; `None` when it has none.
fn exponent(text: &[u8], at: usize) -> Option<usize> {
    let signed = matches!(text.get(at + 1), Some(b'+' | b'-'));
    let digits = at + 1 + usize::from(signed);
    let end = end_of(text, digits, |byte| byte.is_ascii_digit());
    (end > digits).then_some(end)
}

/// A number that ends at `end`, whatever word follows; only a dot there is an error.
fn alone(text: &[u8], end: usize) -> (Lexeme, usize) {
    (if text.get(end) == Some(&b'.') { Lexeme::Broken } else { Lexeme::Number }, end)
}

fn variable(text: &[u8], at: usize) -> (Lexeme, usize) {
    let name = at + 1 + usize::from(text.get(at + 1) == Some(&b'@'));
    (Lexeme::Variable, end_of(text, name, |byte| is_word(byte) || byte == b'.'))
}

/// The end of the bytes from `at` on for which `is` holds.
fn end_of(text: &[u8], at: usize, is: impl Fn(u8) -> bool) -> usize {
    at + length_of(text.get(at..).unwrap_or_default(), is)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words and numbers of a text, without what stands between them.
    fn said(text: &str) -> String {
        let mut reader = WordReader::default();
        let mut at = 0;
        let mut found = Vec::new();
        while at < text.len() {
            let (lexeme, end) = reader.read(text.as_bytes(), at);
            let kind = match lexeme {
                Lexeme::Word => "w",
                Lexeme::Name => "n",
                Lexeme::Number => "#",
                Lexeme::Broken => "!",
                Lexeme::Prefix => "p",
                Lexeme::Variable => "@",
                Lexeme::Symbol => "",
            };
            found.push(format!("{kind}{}", &text[at..end]));
            at = end;
        }
        found.join(" ")
    }

    #[test]
    fn words_end_where_the_servers_end_them() {
        for (text, wanted) in [
            ("0x41", "#0x41"),
            ("0x41INTO", "w0x41INTO"),
            ("0b12", "w0b12"),
            ("0b11", "#0b11"),
            ("0X41", "w0X41"),
            ("0x", "w0x"),
            ("12", "#12"),
            ("1e5INTO", "#1e5 wINTO"),
            ("1E+5INTO", "#1E+5 wINTO"),
            ("1e1e1", "#1e1 we1"),
            ("5INTO", "w5INTO"),
            ("1eINTO", "w1eINTO"),
            ("1_0", "w1_0"),
            ("1$", "w1$"),
            ("1é", "w1é"),
            ("1e+INTO", "w1e + wINTO"),
            ("1.INTO", "#1. wINTO"),
            ("1.5INTO", "#1.5 wINTO"),
            ("1.e3INTO", "#1.e3 wINTO"),
            ("1.a", "#1. wa"),
            (".5INTO", "#.5 wINTO"),
            (".5e3INTO", "#.5e3 wINTO"),
            ("-.5e-3x", "- #.5e-3 wx"),
            ("1.e", "!1.e"),
            ("1.5ex", "!1.5e wx"),
            ("1..5", "!1. #.5"),
            ("1.2.3", "!1.2 #.3"),
            ("1e5.5", "!1e5 #.5"),
            ("0x41.INTO", "!0x41 . nINTO"),
            ("t.1a", "nt . n1a"),
            ("t.1", "nt . n1"),
            ("1a.1e5", "n1a . n1e5"),
            ("t .1a", "wt   #.1 wa"),
            ("`t`.1a", "` wt ` #.1 wa"),
            ("a.b.c", "na . nb . nc"),
            ("a. b", "wa .   wb"),
            ("INTO.m", "nINTO . nm"),
            ("x'1'", "px ' #1 '"),
            ("t.x'1'", "nt . nx ' #1 '"),
            ("xx'1'", "wxx ' #1 '"),
            ("@a.b", "@@a.b"),
            ("@z.12INTO", "@@z.12INTO"),
            ("@@a", "@@@a"),
            ("\\NINTO", "#\\N wINTO"),
            ("\\nINTO", "\\ wnINTO"),
        ] {
            assert_eq!(said(text), wanted, "{text}");
        }
    }
}
