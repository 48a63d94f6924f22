//! Reading `USE` as the `mariadb` client does. It is a command of the client: its argument ends at a space, and what follows
//! is thrown away, even a statement. So nothing but a comment may follow.

use queryfleet_sql::SqlMode;

/// The remedy for a USE that is refused.
const HOW_TO_WRITE_IT: &str = "write `USE name;` on a line of its own, a name with other characters than letters, digits, _, $ and - in \
    backquotes";

/// The database that a `USE` names; its text has no delimiter at its end.
///
/// # Errors
/// Returns why it is refused: the client or the server would read another name, or more than a name.
pub(crate) fn database_of_use(sql: &str, mode: SqlMode) -> Result<String, String> {
    let refused = |what: &str| Err(format!("USE {what}: {HOW_TO_WRITE_IT}"));
    let after = match sql[queryfleet_sql::statement_start(sql, mode)..].get(..3) {
        Some(word) if word.eq_ignore_ascii_case("use") => {
            &sql[queryfleet_sql::statement_start(sql, mode) + 3..]
        }
        _ => return refused("in a version comment, which a server may skip"),
    };
    // Without a space it is no command of the client's, and the server reads it.
    let by_server = after.starts_with('`') || mode.ansi_quotes && after.starts_with('"');
    let argument = after.trim_start_matches([' ', '\t']);
    if !by_server && argument.len() == after.len() {
        return refused("without a space behind it");
    }
    let (name, rest) = match argument.chars().next() {
        None | Some('\n' | '\r') => return refused("without a name on its line"),
        Some(quote @ ('`' | '\'' | '"')) => match unquote(argument, quote) {
            Some(found) => found,
            None => return refused("with a quote that is not closed"),
        },
        Some(_) => {
            let end = argument.find(char::is_whitespace).unwrap_or(argument.len());
            (argument[..end].to_owned(), &argument[end..])
        }
    };
    let is_quoted = argument.starts_with(['`', '\'', '"']);
    let is_readable = if is_quoted {
        !name.contains(['\\', '\n', '\0'])
    } else {
        name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '-')) && !name.contains("--")
    };
    if name.is_empty() || !is_readable {
        return refused("of a name that the client would read otherwise");
    }
    // Behind a space the client looks at nothing more, the server at comments only.
    let is_apart = rest.is_empty() || rest.starts_with([' ', '\n', '\r']);
    if !is_apart || !is_only_comments(rest, mode) {
        return refused("with more than a name and a comment");
    }
    Ok(name)
}

/// A quoted name, and what follows it. Of two quotes in a row one is meant.
fn unquote(text: &str, quote: char) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, char)) = chars.next() {
        if char == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return Some((name, &text[at + quote.len_utf8()..]));
        }
        name.push(char);
    }
    None
}

/// Whether it holds nothing but comments, of which none is executed.
fn is_only_comments(text: &str, mode: SqlMode) -> bool {
    queryfleet_sql::statement_start(text, mode) == text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the client of MariaDB 10.11 reads them, and the server what the client sends on.
    const READ: [(&str, &str); 18] = [
        ("USE shop", "shop"),
        ("use\tshop", "shop"),
        ("USE   shop  ", "shop"),
        ("USE prod -- never staging", "prod"),
        ("USE prod # never staging", "prod"),
        ("USE prod /* never\nstaging */", "prod"),
        ("USE prod -- one\n# two\n/* three */", "prod"),
        ("USE my-shop", "my-shop"),
        ("USE `my shop`", "my shop"),
        ("USE 'my shop'", "my shop"),
        ("USE \"my shop\" -- x", "my shop"),
        ("USE `my;shop`", "my;shop"),
        ("/* dump */ USE `a``b`", "a`b"),
        ("-- x\nUSE 'a''b'", "a'b"),
        ("USE größe", "größe"),
        ("USE`shop`", "shop"),
        ("use `USE`", "USE"),
        ("USE `--x`", "--x"),
    ];

    #[test]
    fn a_use_names_its_database() {
        for (sql, wanted) in READ {
            assert_eq!(database_of_use(sql, SqlMode::default()).as_deref(), Ok(wanted), "{sql}");
        }
    }

    #[test]
    fn a_use_that_says_more_is_refused() {
        for sql in [
            "USE prod staging",
            "USE prod -- x\nUPDATE t SET a = 1",
            "USE prod /*! staging */",
            "USE prod --staging",
            "USE prod/* x */",
            "USE prod-- x",
            "USE prod# x",
            "USE prod--x",
            "USE `prod`staging",
            "USE `prod`/* x */",
            "USE 'prod",
            "USE pr\\od",
            "USE `pr\\od`",
            "USE a.b",
            "USE -- prod",
            "USE",
            "USE\nprod",
            "USE \nprod",
            "USE/**/prod",
            "USE ``",
            "USE (prod)",
            "USE @x",
            "USE 'prod' 'staging'",
            "USE prod\tstaging",
            "/*!40000 USE prod */",
            "USE /*!40000 prod */",
            "USE\"prod\"",
        ] {
            assert!(database_of_use(sql, SqlMode::default()).is_err(), "{sql}");
        }
    }
}
