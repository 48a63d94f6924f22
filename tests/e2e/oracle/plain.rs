//! What a statement is without its comments and white space: a small reading of its own, so that the splitter is not
//! judged by itself.

use queryfleet_sql::SqlMode;

/// The statement without comments (what is in version comments stays), without white space outside of quotes, and
/// without a `--` that opens it and its line.
pub(crate) fn plain(sql: &str, mode: SqlMode) -> String {
    let mut plain = String::new();
    let mut rest = sql.trim_start_matches('\u{FEFF}');
    while let Some(next) = rest.chars().next() {
        let version = rest.starts_with("/*!") || rest.starts_with("/*M!");
        let line = rest.starts_with('#') || opens_line(rest) || plain.is_empty() && rest.starts_with("--");
        let taken = if next.is_whitespace() {
            next.len_utf8()
        } else if line {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") && !version {
            rest[2..].find("*/").map_or(rest.len(), |end| end + 4)
        } else {
            let length =
                if matches!(next, '\'' | '"' | '`') { quoted(rest, next, mode) } else { next.len_utf8() };
            plain.push_str(&rest[..length]);
            length
        };
        rest = &rest[taken..];
    }
    plain
}

/// Whether `--` stands here with white space or the end behind it.
fn opens_line(rest: &str) -> bool {
    rest.strip_prefix("--").is_some_and(|after| after.chars().next().is_none_or(char::is_whitespace))
}

/// The length of what is quoted here, the quotes included.
fn quoted(rest: &str, quote: char, mode: SqlMode) -> usize {
    let name = quote == '`' || quote == '"' && mode.ansi_quotes;
    let escapes = !name && !mode.no_backslash_escapes;
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, next)) = chars.next() {
        if next == '\\' && escapes {
            chars.next();
        } else if next == quote && chars.next_if(|(_, after)| *after == quote).is_none() {
            return at + 1;
        }
    }
    rest.len()
}
