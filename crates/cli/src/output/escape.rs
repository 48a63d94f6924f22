//! What a terminal would obey, or nobody would see, is written out: names, statements and errors come from others.

use std::borrow::Cow;
use std::fmt::Write;

/// The text as one line: every control character in it is written as `\n`, `\t` or `\u{1b}`, and so is what changes the
/// direction of text, breaks lines or has no width. Backslashes stay as they are: a statement is full of them.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_obeyed)
}

/// The same for text with lines of its own, which may have tabs too.
pub(crate) fn block(text: &str) -> Cow<'_, str> {
    escaped(text, |char| is_obeyed(char) && !matches!(char, '\n' | '\t'))
}

fn escaped(text: &str, wanted: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&wanted) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        // Writing to a String cannot fail.
        let _ = match char {
            '\n' | '\r' | '\t' if wanted(char) => write!(escaped, "{}", char.escape_default()),
            char if wanted(char) => write!(escaped, "{}", char.escape_unicode()),
            char => escaped.write_char(char),
        };
    }
    escaped.into()
}

/// Unicode's control characters (C0, DEL, C1), its breaks of lines and paragraphs, and of its format characters those
/// that cannot be seen.
fn is_obeyed(char: char) -> bool {
    if char.is_ascii() {
        return char.is_ascii_control();
    }
    matches!(
        char,
        '\u{80}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_of_any_script_stays_as_it_is() {
        for text in ["", "café, Καφές, 日本, 👍, a\u{301}", r"it's \n and C:\a", "~ \u{a0}"] {
            assert_eq!(line(text), text);
            assert_eq!(block(text), text);
        }
    }

    #[test]
    fn nothing_that_a_terminal_obeys_comes_through() {
        let all: String = ('\0'..=char::MAX).collect();
        for kept in [line(&all), block(&all)] {
            let obeyed = kept.chars().find(|char| char.is_control() && !matches!(char, '\n' | '\t'));
            assert_eq!(obeyed, None);
            assert!(!kept.contains(['\u{202e}', '\u{2066}', '\u{200d}', '\u{feff}', '\u{2028}']));
        }
        assert!(!line(&all).contains(['\n', '\t']));
        assert!(block(&all).contains(['\n', '\t']));
    }

    #[test]
    fn what_is_escaped_can_be_read() {
        assert_eq!(line("\u{1b}[2Ja\r\nb\tc\u{9b}\u{202e}"), r"\u{1b}[2Ja\r\nb\tc\u{9b}\u{202e}");
        assert_eq!(block("a\r\n\tb\u{7f}"), "a\\r\n\tb\\u{7f}");
    }
}
