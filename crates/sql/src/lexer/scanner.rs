//! The core: a state machine over bytes that tells code from strings, identifiers and comments. It can stop at the end
//! of a buffer and resume when there is more.

use memchr::{memchr, memchr2};
use std::fmt;

/// The two flags of a session's sql_mode that decide where a string ends. By default neither is set, as on a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SqlMode {
    /// NO_BACKSLASH_ESCAPES: a backslash in a string is a character like any other.
    pub no_backslash_escapes: bool,
    /// ANSI_QUOTES: `"…"` is an identifier, not a string.
    pub ansi_quotes: bool,
}

impl SqlMode {
    /// Reads the text of `@@sql_mode`. There the server has already expanded combined modes (ANSI, ORACLE) into
    /// their parts, so only the two names themselves count.
    pub fn from_server(text: &str) -> Self {
        let has = |name: &str| text.split(',').any(|flag| flag.trim().eq_ignore_ascii_case(name));
        Self { no_backslash_escapes: has("NO_BACKSLASH_ESCAPES"), ansi_quotes: has("ANSI_QUOTES") }
    }
}

/// What was opened and not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// `'…'`, or `"…"` without ANSI_QUOTES.
    String,
    /// `` `…` ``, or `"…"` under ANSI_QUOTES.
    Identifier,
    /// `/* … */` or `/*! … */`.
    Comment,
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "string",
            Self::Identifier => "quoted identifier",
            Self::Comment => "comment",
        })
    }
}

/// What the scanner is inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    /// SQL itself, the content of a version comment included.
    Code,
    /// A string (`escapes` as the mode says) or an identifier (never escapes).
    Quoted { quote: u8, escapes: bool },
    /// `-- …` or `# …`, up to the newline.
    Line,
    /// `/* … */`; not nested.
    Block,
}

const SYNTAX: u8 = 1;
const STOP: u8 = 2;

/// The bytes in code at which [`Scanner::run`] halts: its own (quotes, comment openers) and those of its caller.
pub(crate) struct Stops([u8; 256]);

impl Stops {
    /// The scanner's own bytes only.
    pub(crate) const fn syntax() -> Self {
        let mut table = [0; 256];
        let own = b"'\"`#-/*";
        let mut i = 0;
        while i < own.len() {
            table[own[i] as usize] = SYNTAX;
            i += 1;
        }
        Self(table)
    }

    /// Also returns to the caller at each of `bytes`.
    pub(crate) const fn and(mut self, bytes: &[u8]) -> Self {
        let mut i = 0;
        while i < bytes.len() {
            self.0[bytes[i] as usize] |= STOP;
            i += 1;
        }
        self
    }

    /// Also returns at every byte that can be part of a word.
    pub(crate) const fn and_words(mut self) -> Self {
        let mut i = 0;
        while i < 256 {
            if is_word(i as u8) {
                self.0[i] |= STOP;
            }
            i += 1;
        }
        self
    }

    /// Returns at everything but white space.
    pub(crate) const fn all_but_space() -> Self {
        let mut table = [STOP; 256];
        let mut i = 0;
        while i < 256 {
            if is_space(i as u8) {
                table[i] = 0;
            }
            i += 1;
        }
        Self(table)
    }
}

/// The state between two calls. Positions are indices into the text that the caller passes, always the same text,
/// which may have grown at its end.
#[derive(Clone)]
pub(crate) struct Scanner {
    mode: SqlMode,
    /// The next byte to look at.
    pub(crate) at: usize,
    pub(crate) context: Context,
    /// Where the string, identifier or comment of `context` was opened.
    pub(crate) began: usize,
    /// Where the version comment whose content is being read was opened.
    pub(crate) version: Option<usize>,
}

impl Scanner {
    pub(crate) fn new(mode: SqlMode) -> Self {
        Self { mode, at: 0, context: Context::Code, began: 0, version: None }
    }

    pub(crate) fn mode(&self) -> SqlMode {
        self.mode
    }

    /// Moves to the next byte in code that is a stop of the caller, and returns it without passing it; `None` at the
    /// end of the text. Unless `last`, bytes at the end whose meaning depends on a following byte stay unread.
    pub(crate) fn run(&mut self, text: &[u8], stops: &Stops, last: bool) -> Option<u8> {
        loop {
            if self.context != Context::Code && !self.leave(text, last) {
                return None;
            }
            let Some(plain) = text[self.at..].iter().position(|&byte| stops.0[usize::from(byte)] != 0) else {
                self.at = text.len();
                return None;
            };
            self.at += plain;
            let byte = text[self.at];
            if stops.0[usize::from(byte)] & STOP != 0 {
                return Some(byte);
            }
            if !self.step(text, last) {
                return None;
            }
        }
    }

    /// Passes the byte at `at`, in code, as what it is there: it opens something, or is plain. Returns false,
    /// and passes nothing, if more text is needed to tell.
    pub(crate) fn step(&mut self, text: &[u8], last: bool) -> bool {
        let rest = &text[self.at..];
        match rest[0] {
            quote @ (b'\'' | b'`' | b'"') => {
                let identifier = quote == b'`' || quote == b'"' && self.mode.ansi_quotes;
                let escapes = !identifier && !self.mode.no_backslash_escapes;
                self.open(Context::Quoted { quote, escapes }, 1);
            }
            b'#' => self.open(Context::Line, 1),
            b'-' => match dashes(rest, last) {
                None => return false,
                Some(true) => self.open(Context::Line, 2),
                Some(false) => self.at += 1,
            },
            b'/' => match slash(rest, last) {
                None => return false,
                Some(Slash::Plain) => self.at += 1,
                Some(Slash::Block) => self.open(Context::Block, 2),
                Some(Slash::Version(length)) => {
                    self.version = Some(self.at);
                    self.at += length;
                }
            },
            b'*' if self.version.is_some() => match rest.get(1) {
                None if !last => return false,
                Some(b'/') => {
                    self.version = None;
                    self.at += 2;
                }
                _ => self.at += 1,
            },
            _ => self.at += 1,
        }
        true
    }

    /// What is still open, and where, when the text ends here.
    pub(crate) fn still_open(&self) -> Option<(Open, usize)> {
        match self.context {
            Context::Quoted { quote: b'\'', .. } => Some((Open::String, self.began)),
            Context::Quoted { quote: b'"', .. } if !self.mode.ansi_quotes => Some((Open::String, self.began)),
            Context::Quoted { .. } => Some((Open::Identifier, self.began)),
            Context::Block => Some((Open::Comment, self.began)),
            Context::Code | Context::Line => self.version.map(|began| (Open::Comment, began)),
        }
    }

    /// The caller has dropped the first `bytes` of its text.
    pub(crate) fn shift(&mut self, bytes: usize) {
        self.at -= bytes;
        self.began = self.began.saturating_sub(bytes);
        self.version = self.version.map(|began| began.saturating_sub(bytes));
    }

    fn open(&mut self, context: Context, length: usize) {
        self.began = self.at;
        self.context = context;
        self.at += length;
    }

    /// Moves to the end of what is open; returns false if the text ends first.
    pub(crate) fn leave(&mut self, text: &[u8], last: bool) -> bool {
        let left = match self.context {
            Context::Code => true,
            Context::Quoted { quote, escapes: true } => self.leave_string(text, quote, last),
            Context::Quoted { quote, escapes: false } => self.leave_plain(text, quote, last),
            Context::Block => self.leave_block(text, last),
            Context::Line => match memchr(b'\n', &text[self.at..]) {
                Some(newline) => {
                    self.at += newline;
                    true
                }
                None => {
                    self.at = text.len();
                    last
                }
            },
        };
        if left {
            self.context = Context::Code;
        }
        left
    }

    fn leave_string(&mut self, text: &[u8], quote: u8, last: bool) -> bool {
        while let Some(plain) = memchr2(quote, b'\\', &text[self.at..]) {
            self.at += plain;
            match (text[self.at] == quote, text.get(self.at + 1)) {
                (_, None) if !last => return false,
                (true, next) if next != Some(&quote) => {
                    self.at += 1;
                    return true;
                }
                (false, None) => self.at += 1,
                _ => self.at += 2,
            }
        }
        self.at = text.len();
        false
    }

    fn leave_plain(&mut self, text: &[u8], quote: u8, last: bool) -> bool {
        while let Some(plain) = memchr(quote, &text[self.at..]) {
            self.at += plain;
            match text.get(self.at + 1) {
                None if !last => return false,
                Some(&next) if next == quote => self.at += 2,
                _ => {
                    self.at += 1;
                    return true;
                }
            }
        }
        self.at = text.len();
        false
    }

    fn leave_block(&mut self, text: &[u8], last: bool) -> bool {
        while let Some(plain) = memchr(b'*', &text[self.at..]) {
            self.at += plain;
            match text.get(self.at + 1) {
                None if !last => return false,
                Some(b'/') => {
                    self.at += 2;
                    return true;
                }
                _ => self.at += 1,
            }
        }
        self.at = text.len();
        false
    }
}

/// Whether `--` at the start of `rest` opens a comment: white space, a control character or the end follows, as in
/// the server's lexer. `None` if more text is needed to tell.
fn dashes(rest: &[u8], last: bool) -> Option<bool> {
    match (rest.get(1), rest.get(2)) {
        (Some(b'-'), Some(&byte)) => Some(is_space(byte) || byte.is_ascii_control()),
        (Some(b'-'), None) => last.then_some(true),
        (Some(_), _) => Some(false),
        (None, _) => last.then_some(false),
    }
}

/// What a slash in code opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slash {
    Plain,
    Block,
    /// `/*!` or `/*M!`, with its length; the digits of the version are not counted.
    Version(usize),
}

/// What the slash at the start of `rest` opens; `None` if more text is needed to tell.
pub(crate) fn slash(rest: &[u8], last: bool) -> Option<Slash> {
    let known = match rest {
        [_, b'*', b'!', ..] => Slash::Version(3),
        [_, b'*', b'M', b'!', ..] => Slash::Version(4),
        [_] | [_, b'*'] | [_, b'*', b'M'] if !last => return None,
        [_, b'*', ..] => Slash::Block,
        _ => Slash::Plain,
    };
    Some(known)
}

/// The digits that name a version right after `/*!`: five or six, or none.
pub(crate) fn version_digits(text: &[u8]) -> usize {
    let digits = text.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    if digits < 5 { 0 } else { digits }
}

/// The number of bytes at the start of `text` for which `is` holds.
pub(crate) fn length_of(text: &[u8], is: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|&&byte| is(byte)).count()
}

/// Whether `word` stands at byte `at`, in any case and whatever follows it.
pub(crate) fn stands_at(text: &[u8], at: usize, word: &[u8]) -> bool {
    text.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word))
}

/// Whether a word, of any case, is one of these.
pub(crate) fn is_one_of(word: &[u8], keywords: &[&str]) -> bool {
    keywords.iter().any(|keyword| word.eq_ignore_ascii_case(keyword.as_bytes()))
}

/// White space by the rules of the servers' lexers under utf8mb4 (Rust's `is_ascii_whitespace` lacks the vertical tab).
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0B | 0x0C | b'\r')
}

/// A byte of an unquoted identifier, a keyword or a number.
pub(crate) const fn is_word(byte: u8) -> bool {
    WORD[byte as usize]
}

/// A table, since it is read for every byte of every word.
static WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 256 {
        let byte = i as u8;
        table[i] = byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80;
        i += 1;
    }
    table
};
