//! Names of runs, and which of them a new run may have. Names are compared as bytes everywhere.

/// The longest name that a run can have, in characters.
pub const RUN_NAME_LIMIT: usize = 190;

/// Characters that change how a line is shown, or are not seen in it: two names that look alike would be two runs.
const INVISIBLE: [std::ops::RangeInclusive<char>; 12] = [
    '\u{ad}'..='\u{ad}',
    '\u{61c}'..='\u{61c}',
    // Fillers, which are letters and show nothing.
    '\u{115f}'..='\u{1160}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{2800}'..='\u{2800}',
    '\u{3164}'..='\u{3164}',
    '\u{feff}'..='\u{feff}',
    '\u{fff9}'..='\u{fffb}',
    '\u{e0000}'..='\u{e0fff}',
];

/// Whether a text says the id of a run. Digits only: `+5`, which parses as a number, is a name.
pub fn is_run_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a new run may have this name.
///
/// # Errors
/// Returns why not, as the end of a sentence that begins with the name.
pub fn check_run_name(name: &str) -> Result<(), String> {
    let length = name.chars().count();
    if name.trim().is_empty() {
        return Err("is empty".into());
    }
    if length > RUN_NAME_LIMIT {
        return Err(format!("has {length} characters, a run's name at most {RUN_NAME_LIMIT}"));
    }
    if name.trim() != name {
        return Err("begins or ends with a space".into());
    }
    if let Some(found) = name.chars().find(|c| is_unseen(*c)) {
        return Err(format!("has a character that is not seen, {}", found.escape_unicode()));
    }
    if is_run_id(name) {
        return Err("is all digits, as the id of a run is".into());
    }
    if name.starts_with('-') {
        return Err("begins with -, as an option does".into());
    }
    Ok(())
}

/// A text as a part of a name that a run may have: what is not seen becomes `_`.
pub fn as_run_name(text: &str) -> String {
    let seen = |c: char| if is_unseen(c) { '_' } else { c };
    text.trim_start_matches(|c: char| c == '-' || c.is_whitespace()).chars().map(seen).collect()
}

fn is_unseen(c: char) -> bool {
    c.is_control() || INVISIBLE.iter().any(|range| range.contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_taken_for_something_else_is_no_name() {
        let long = "é".repeat(RUN_NAME_LIMIT + 1);
        for name in [
            "",
            " ",
            "\u{3000}",
            " a",
            "a ",
            "a\u{a0}",
            "a\n",
            "a\tb",
            "a\u{1b}[1m",
            "a\0",
            "a\u{202e}b",
            "a\u{200b}",
            "\u{feff}a",
            "\u{3164}",
            "a\u{2800}b",
            "a\u{e0041}",
            "7",
            "374231415460829",
            "0",
            "99999999999999999999999",
            "-",
            "--run",
            &long,
        ] {
            assert!(check_run_name(name).is_err(), "{name:?}");
        }
        for name in
            ["a", "cafe", "café", "a b", "a😀", "+5", "5a", "1.5", "٣", "a-b", "20261123-101500", &long[2..]]
        {
            assert_eq!(check_run_name(name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn any_file_gives_a_name() {
        for stem in ["-", "", " ", "--x", "a\nb", "7", "\u{202e}", "é😀"] {
            let name = format!("{}-20261123", as_run_name(stem)).trim_start_matches('-').to_owned();
            assert_eq!(check_run_name(&format!("{name}-1")), Ok(()), "{stem:?}");
        }
    }

    #[test]
    fn an_id_is_digits() {
        assert!(is_run_id("5") && is_run_id("007"));
        assert!(
            !is_run_id("") && !is_run_id("+5") && !is_run_id("-5") && !is_run_id("5 ") && !is_run_id("٣")
        );
    }
}
