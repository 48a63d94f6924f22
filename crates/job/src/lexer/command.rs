//! The client's commands that a script may hold at the start of a statement: `DELIMITER word` and `USE name`.

use super::scan::is_space;
use std::ops::Range;

/// The longest line that is taken for a command; the client's own buffer is 256 bytes.
const LONGEST_LINE: usize = 1024;

/// The longest delimiter that the client keeps.
const LONGEST_DELIMITER: usize = 15;

/// What the text at the start of a statement is.
pub(super) enum Command {
    /// No command.
    None,
    /// It takes more bytes to tell.
    More,
    /// `DELIMITER word`; the next line begins at `next`.
    Delimiter { word: Range<usize>, next: usize },
    /// DELIMITER without a usable word.
    BadDelimiter,
    /// `USE name` up to the end of its line, no delimiter in it.
    Use { end: usize, next: usize },
}

/// Reads the command at the start of `text`, if there is one.
pub(super) fn read(text: &[u8], delimiter: &[u8], last: bool) -> Command {
    match (starts_with(text, b"delimiter", last), starts_with(text, b"use", last)) {
        (None, _) | (_, None) => Command::More,
        (Some(true), _) => read_delimiter(text, last),
        (_, Some(true)) => read_use(text, delimiter, last),
        (Some(false), Some(false)) => Command::None,
    }
}

fn read_delimiter(text: &[u8], last: bool) -> Command {
    let end = match line_end(text, last) {
        Line::End(end) => end,
        Line::More => return Command::More,
        Line::TooLong => return Command::BadDelimiter,
    };
    let after = &text[..end][b"delimiter".len()..];
    let skipped = after.iter().take_while(|&&byte| is_space(byte)).count();
    let argument = &after[skipped..];
    let from = b"delimiter".len() + skipped;
    let word = match argument {
        [quote @ (b'\'' | b'"' | b'`'), quoted @ ..] if quoted.contains(quote) => {
            let length = quoted.iter().take_while(|&byte| byte != quote).count();
            from + 1..from + 1 + length
        }
        _ => from..from + argument.iter().take_while(|&&byte| !is_space(byte)).count(),
    };
    if word.is_empty() || word.len() > LONGEST_DELIMITER || text[word.clone()].contains(&b'\\') {
        return Command::BadDelimiter;
    }
    Command::Delimiter { word, next: end }
}

fn read_use(text: &[u8], delimiter: &[u8], last: bool) -> Command {
    match line_end(text, last) {
        Line::More => Command::More,
        Line::End(end) if memchr::memmem::find(&text[..end], delimiter).is_none() => {
            Command::Use { end, next: end }
        }
        Line::End(_) | Line::TooLong => Command::None,
    }
}

/// Whether `text` starts with a command's name and a blank, in any case; `None` when that takes more bytes.
fn starts_with(text: &[u8], name: &[u8], last: bool) -> Option<bool> {
    let shared = text.len().min(name.len());
    if !text[..shared].eq_ignore_ascii_case(&name[..shared]) {
        return Some(false);
    }
    match text.get(name.len()) {
        Some(&byte) => Some(is_space(byte) && (byte != b'\n' || name == b"delimiter")),
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
    let shown = &text[..text.len().min(LONGEST_LINE)];
    match memchr::memchr(b'\n', shown) {
        Some(newline) => Line::End(newline),
        None if text.len() >= LONGEST_LINE => Line::TooLong,
        None if last => Line::End(text.len()),
        None => Line::More,
    }
}
