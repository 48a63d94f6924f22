//! The commands of the client: `DELIMITER word` and `USE name`, which a script may hold, and those that it may not.

use crate::lexer::scanner::{SqlMode, is_space};
use crate::lexer::token::Tokens;
use std::ops::Range;

/// Commands of the `mariadb` and the `mysql` client by their names, except USE and DELIMITER, and what to do instead.
/// No server executes a statement that begins with one of them.
const COMMANDS: [(&str, &str); 28] = [
    ("?", LEAVE_OUT),
    ("charset", CHARSET),
    ("clear", LEAVE_OUT),
    ("connect", LEAVE_OUT),
    ("delimiter", "a space and the delimiter have to follow it on its line"),
    ("edit", LEAVE_OUT),
    ("ego", LEAVE_OUT),
    ("exit", ENDS),
    ("go", LEAVE_OUT),
    ("help", LEAVE_OUT),
    ("nopager", LEAVE_OUT),
    ("notee", LEAVE_OUT),
    ("nowarning", LEAVE_OUT),
    ("nowarnings", LEAVE_OUT),
    ("pager", LEAVE_OUT),
    ("print", LEAVE_OUT),
    ("prompt", LEAVE_OUT),
    ("query_attributes", LEAVE_OUT),
    ("quit", ENDS),
    ("rehash", LEAVE_OUT),
    ("resetconnection", LEAVE_OUT),
    ("sandbox", LEAVE_OUT),
    ("source", SOURCE),
    ("ssl_session_data_print", LEAVE_OUT),
    ("status", LEAVE_OUT),
    ("system", SYSTEM),
    ("tee", LEAVE_OUT),
    ("warnings", LEAVE_OUT),
];

const LEAVE_OUT: &str = "leave it out";
const ENDS: &str = "the client stops reading there: leave it out, or what follows it";
const SOURCE: &str = "give its file as an input of its own";
const SYSTEM: &str = "leave it out, and run its command in a shell";
const CHARSET: &str = "leave it out, all text is UTF-8";

/// The command of the client that a statement begins with, if there is one, and what to do instead.
pub fn client_command(sql: &str, mode: SqlMode) -> Option<(&'static str, &'static str)> {
    let first = Tokens::new(sql, mode).next()?;
    COMMANDS.iter().find(|(name, _)| first.text.eq_ignore_ascii_case(name)).copied()
}

/// What to do instead of the command that is a backslash and this letter.
pub(crate) fn remedy(letter: char) -> &'static str {
    match letter {
        '.' => SOURCE,
        '!' => SYSTEM,
        'C' => CHARSET,
        'q' => ENDS,
        'u' => "write `USE name;` on a line of its own",
        'd' => "write `DELIMITER word` on a line of its own",
        _ => LEAVE_OUT,
    }
}

/// The length in bytes of the longest line that is taken for a command; the client's own buffer has 256 bytes.
const LONGEST_LINE_BYTES: usize = 1024;

/// The length in bytes of the longest delimiter that the client keeps.
const LONGEST_DELIMITER_BYTES: usize = 15;

/// What the text at the start of a statement is.
pub(crate) enum Command {
    /// No command.
    None,
    /// More bytes are needed to tell.
    More,
    /// `DELIMITER word`; the next line begins at `next`.
    Delimiter { word: Range<usize>, next: usize },
    /// DELIMITER without a usable word.
    BadDelimiter,
    /// DELIMITER, or USE without a delimiter on its line, behind something else on that line: the client would
    /// read up to the next delimiter, over what follows.
    Misplaced(&'static str),
    /// `USE name` up to the end of its line, no delimiter in it.
    Use { end: usize, next: usize },
}

/// Reads the command at the start of `text`, if there is one; `fresh` when nothing but white space is before it on its
/// line.
pub(crate) fn read(text: &[u8], delimiter: &[u8], fresh: bool, last: bool) -> Command {
    match (starts_with(text, b"delimiter", last), starts_with(text, b"use", last)) {
        (None, _) | (_, None) => Command::More,
        (Some(true), _) if !fresh => Command::Misplaced("DELIMITER"),
        (Some(true), _) => read_delimiter(text, last),
        (_, Some(true)) => read_use(text, delimiter, fresh, last),
        (Some(false), Some(false)) => Command::None,
    }
}

fn read_delimiter(text: &[u8], last: bool) -> Command {
    let end = match line_end(text, last) {
        Line::End(end) => end,
        Line::More => return Command::More,
        Line::TooLong => return Command::BadDelimiter,
    };
    let line = text[..end].strip_suffix(b"\r").unwrap_or(&text[..end]);
    let after = &line[b"delimiter".len()..];
    let skipped = after.iter().take_while(|&&byte| is_space(byte)).count();
    let argument = &after[skipped..];
    let from = b"delimiter".len() + skipped;
    // An argument ends at a space, or at its quote, and at no other white space.
    let (word, closed) = match argument {
        [quote @ (b'\'' | b'"' | b'`'), quoted @ ..] => {
            let length = quoted.iter().take_while(|&byte| byte != quote).count();
            // Two quotes in a row would be a part of the word.
            let closed = quoted.get(length) == Some(quote) && quoted.get(length + 1) != Some(quote);
            (from + 1..from + 1 + length, closed)
        }
        _ => (from..from + argument.iter().take_while(|&&byte| byte != b' ').count(), true),
    };
    let usable = |byte: &u8| *byte != b'\\' && !(is_space(*byte) && *byte != b' ');
    if !closed
        || word.is_empty()
        || word.len() > LONGEST_DELIMITER_BYTES
        || !text[word.clone()].iter().all(usable)
    {
        return Command::BadDelimiter;
    }
    Command::Delimiter { word, next: end }
}

fn read_use(text: &[u8], delimiter: &[u8], fresh: bool, last: bool) -> Command {
    match line_end(text, last) {
        Line::More => Command::More,
        // The client reads such a line piece by piece, and the command where its piece ends.
        Line::End(end) if contains(&text[..end], delimiter) || contains(&text[..end], b"\\g") => {
            Command::None
        }
        Line::End(end) if fresh => Command::Use { end, next: end },
        Line::End(_) => Command::Misplaced("USE without a delimiter"),
        Line::TooLong => Command::None,
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

/// Whether `text` starts with a command's name and a blank, in any case; `None` if more bytes are needed to tell.
fn starts_with(text: &[u8], name: &[u8], last: bool) -> Option<bool> {
    let shared = text.len().min(name.len());
    if !text[..shared].eq_ignore_ascii_case(&name[..shared]) {
        return Some(false);
    }
    match text.get(name.len()) {
        // The client requires a space, and complains about DELIMITER without a word.
        Some(&byte) => Some(matches!(byte, b' ' | b'\t') || name == b"delimiter" && is_space(byte)),
        None if last => Some(text.len() == name.len() && name == b"delimiter"),
        None => None,
    }
}

enum Line {
    End(usize),
    More,
    TooLong,
}

fn line_end(text: &[u8], last: bool) -> Line {
    let shown = &text[..text.len().min(LONGEST_LINE_BYTES)];
    match memchr::memchr(b'\n', shown) {
        Some(newline) => Line::End(newline),
        None if text.len() >= LONGEST_LINE_BYTES => Line::TooLong,
        None if last => Line::End(text.len()),
        None => Line::More,
    }
}
