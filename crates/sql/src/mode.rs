//! The two sql_mode flags that decide where a string ends.

/// The part of a session's sql_mode that changes how SQL is cut into tokens. The default is a server's default:
/// neither flag set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SqlMode {
    /// NO_BACKSLASH_ESCAPES: a backslash in a string is a character like any other.
    pub no_backslash_escapes: bool,
    /// ANSI_QUOTES: `"…"` is an identifier, not a string.
    pub ansi_quotes: bool,
}

impl SqlMode {
    /// Reads the text of `@@sql_mode`. The server has already expanded combined modes (ANSI, ORACLE) into their
    /// parts there, so only the two names themselves count.
    pub fn from_server(text: &str) -> Self {
        let has = |name: &str| text.split(',').any(|flag| flag.trim().eq_ignore_ascii_case(name));
        Self { no_backslash_escapes: has("NO_BACKSLASH_ESCAPES"), ansi_quotes: has("ANSI_QUOTES") }
    }
}
