//! Text that comes from outside: the one place where it is bounded, at the border where it enters.
//!
//! Headers, fields of a body that an error quotes, and what a server says are as long as whoever sent them likes. They
//! end in log lines, in `queryfleet_dead` and in headers of copies, each of which has room for a text that a person
//! reads.

use std::error::Error;

/// The longest text from outside that is kept, in bytes.
pub const FOREIGN_LIMIT: usize = 2048;

/// Characters of a text that are [`shown`].
const SHOWN_CHARACTERS: usize = 100;

/// A text from outside, cut to [`FOREIGN_LIMIT`] bytes; what is cut says how long it was.
pub fn foreign(text: impl Into<String>) -> String {
    bounded(text.into(), FOREIGN_LIMIT)
}

/// The same for less room, of at least 64 bytes.
pub fn bounded(text: String, limit: usize) -> String {
    if text.len() <= limit {
        return text;
    }
    let note = format!("… ({} bytes)", text.len());
    let mut kept = shorten(text, limit.saturating_sub(note.len()));
    kept.push_str(&note);
    // What was cut off may have been a hundred megabytes.
    kept.shrink_to_fit();
    kept
}

/// `text` cut to at most `limit` bytes at a character's border.
pub fn shorten(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let end = (0..=limit).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

/// The start of a text on one line, for a table or a message: white space becomes one space, and what is left out is `…`.
pub fn shown(text: &str) -> String {
    // More words than characters are never shown.
    let words = text.split_whitespace().take(SHOWN_CHARACTERS).collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

/// The error and its causes in one line, `what: why: why`. A cause that the text before it already says is left out.
/// Causes come from servers and drivers, so each is bounded; the error itself is ours.
pub fn causes(error: &dyn Error) -> String {
    let mut text = without_repeated_label(&error.to_string()).to_owned();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = foreign(without_repeated_label(&cause.to_string()));
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

/// The text without a label that stands twice at its start: an error of a driver that wraps another one of the same kind
/// says `Input/output error: Input/output error: why`.
fn without_repeated_label(text: &str) -> &str {
    match text.split_once(": ") {
        Some((label, rest))
            if rest.strip_prefix(label).is_some_and(|rest| rest.is_empty() || rest.starts_with(": ")) =>
        {
            without_repeated_label(rest)
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_a_text_is_one_line() {
        for (text, wanted) in [
            ("", String::new()),
            ("UPDATE t\n  SET a = 1", "UPDATE t SET a = 1".into()),
            (&"é".repeat(100), "é".repeat(100)),
            (&"é".repeat(101), "é".repeat(100) + "…"),
            (&"a ".repeat(300), "a ".repeat(50) + "…"),
        ] {
            assert_eq!(shown(text), wanted);
        }
    }

    #[test]
    fn a_text_is_never_above_its_limit_and_says_what_is_cut() {
        for (unit, count) in [("a", 5_000_000), ("é", 70_000), ("😀", 3000)] {
            let text = foreign(unit.repeat(count));
            assert!(text.len() <= FOREIGN_LIMIT && text.len() > FOREIGN_LIMIT - 8, "{}", text.len());
            assert!(text.ends_with(&format!("… ({} bytes)", unit.len() * count)), "{text}");
        }
        assert_eq!(foreign("short"), "short");
        assert_eq!(foreign("x".repeat(FOREIGN_LIMIT)).len(), FOREIGN_LIMIT);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct WithCause(String, #[source] Option<Box<WithCause>>);

    #[test]
    fn what_a_driver_says_twice_is_said_once() {
        for (said, once) in [
            ("Input/output error: Input/output error: refused", "Input/output error: refused"),
            ("IO error: IO error: IO error: gone", "IO error: gone"),
            ("Input/output error: Input/output error", "Input/output error"),
            ("Input/output error: Input/output errors", "Input/output error: Input/output errors"),
            ("Server error: `ERROR 1064: near 'a: a: b''", "Server error: `ERROR 1064: near 'a: a: b''"),
        ] {
            let error = WithCause("cannot connect".into(), Some(Box::new(WithCause(said.into(), None))));
            assert_eq!(causes(&error), format!("cannot connect: {once}"));
        }
        // The causes of that are in its text.
        let inner = WithCause("IO error: gone".into(), Some(Box::new(WithCause("gone".into(), None))));
        let outer = WithCause("IO error: IO error: gone".into(), Some(Box::new(inner)));
        assert_eq!(causes(&WithCause("cannot".into(), Some(Box::new(outer)))), "cannot: IO error: gone");
    }

    #[test]
    fn a_cause_from_outside_is_bounded_and_the_error_itself_is_whole() {
        let cause = WithCause("x".repeat(5_000_000), None);
        let error = WithCause("y".repeat(10_000), Some(Box::new(cause)));
        let text = causes(&error);
        assert!(text.starts_with(&"y".repeat(10_000)) && text.len() < 10_000 + FOREIGN_LIMIT + 3);
    }
}
