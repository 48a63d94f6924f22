//! What different servers read differently.

use crate::lexer::scanner::{Context, Open, Scanner, SqlMode, Stops};
use crate::statement::refusal::Refusal;

/// The comment that opens at `offset` with a marker of `length` bytes may be executed or skipped. Skipped, it ends
/// at the first `*/` (MySQL) or, if it holds a `/*`, at the second (MariaDB); executed, at the first `*/` that no
/// string or comment in it swallows. Refuses it when these differ.
pub(crate) fn version_comment(
    text: &[u8],
    offset: usize,
    length: usize,
    mode: SqlMode,
) -> Result<(), Refusal> {
    let what = "the version comment";
    refuse_swallowed_end(inside(text, offset, length)?, offset, what, mode)
}

/// The clients do not end a comment at the `*/` of a version comment in it; the servers do.
pub(crate) fn comment(text: &[u8], offset: usize) -> Result<(), Refusal> {
    let inside = inside(text, offset, 2)?;
    let opens = |marker: &[u8]| memchr::memmem::find(inside, marker).is_some();
    if opens(b"/*!") || opens(b"/*M!") {
        return Err(Refusal::Ambiguous { what: "a version comment in a comment", offset });
    }
    Ok(())
}

/// An optimizer hint at `offset` is a comment to some servers; to others its quotes are quotes. Whether a backslash
/// escapes there is left open.
pub(crate) fn hint(text: &[u8], offset: usize, mode: SqlMode) -> Result<(), Refusal> {
    let what = "the optimizer hint";
    let inside = inside(text, offset, 3)?;
    if inside.contains(&b'\\') {
        return Err(Refusal::Ambiguous { what, offset });
    }
    refuse_swallowed_end(inside, offset, what, mode)
}

/// `$…$` opens a quoted string on MySQL from 9.0 on; elsewhere it is a name.
pub(crate) fn refuse_dollar_quote(word: &[u8], offset: usize) -> Result<(), Refusal> {
    match word {
        [b'$', rest @ ..] if rest.contains(&b'$') => Err(Refusal::Ambiguous { what: "$…$", offset }),
        _ => Ok(()),
    }
}

/// Refuses a NUL in a comment or a quoted identifier (one in other code never gets this far).
pub(crate) fn refuse_nul(text: &[u8], mode: SqlMode) -> Result<(), Refusal> {
    static ALL: Stops = Stops::all_but_space();
    let mut scanner = Scanner::new(mode);
    while scanner.run(text, &ALL, true).is_some() {
        let from = scanner.at;
        scanner.step(text, true);
        let in_string = matches!(scanner.still_open(), Some((Open::String, _)));
        if scanner.context == Context::Code || in_string {
            continue;
        }
        scanner.run(text, &ALL, true);
        if let Some(nul) = memchr::memchr(0, &text[from..scanner.at]) {
            return Err(Refusal::NulByte { offset: from + nul });
        }
    }
    Ok(())
}

/// The text of a comment between its marker and the first `*/`, with that `*`, which a slash before it would make
/// the start of a comment.
fn inside(text: &[u8], offset: usize, length: usize) -> Result<&[u8], Refusal> {
    let content = &text[offset + length..];
    match memchr::memmem::find(content, b"*/") {
        Some(close) => Ok(&content[..=close]),
        None => Err(Refusal::Unterminated { what: Open::Comment, offset }),
    }
}

fn refuse_swallowed_end(
    inside: &[u8],
    offset: usize,
    what: &'static str,
    mode: SqlMode,
) -> Result<(), Refusal> {
    static COMMENTS: Stops = Stops::syntax().and(b"#-");
    let ambiguous = Err(Refusal::Ambiguous { what, offset });
    if memchr::memmem::find(inside, b"/*").is_some() {
        return ambiguous;
    }
    let mut scanner = Scanner::new(mode);
    while scanner.run(inside, &COMMENTS, true).is_some() {
        scanner.step(inside, true);
        if scanner.context == Context::Line {
            return ambiguous;
        }
    }
    if scanner.still_open().is_some() { ambiguous } else { Ok(()) }
}
