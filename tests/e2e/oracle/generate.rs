//! Random scripts.

use fastrand::Rng;
use queryfleet_sql::SqlMode;

const CODE: [&str; 14] = ["a", "b1", "é", " ", "\n", "\t", "-", " - ", "*", "/ ", "(", ")", ",", "\\N"];
const IN_QUOTES: [&str; 12] = ["x", " ", ";", "\n", "--", "-- ", "#", "/*", "*/", "é", "//", "''"];
const IN_COMMENT: [&str; 9] = ["x", " ", ";", "'", "\"", "`", "--", "#", "é"];
const DELIMITERS: [&str; 3] = [";", "//", "$$"];

/// A script of some statements: quoted text of all kinds, comments of all kinds, changing delimiters.
pub(crate) fn script(random: &mut Rng, mode: SqlMode) -> String {
    let mut script = String::new();
    let mut delimiter = ";";
    for _ in 0..random.usize(1..8) {
        if random.u8(..) < 40 {
            delimiter = one(random, &DELIMITERS);
            script = format!("{}\nDELIMITER {delimiter}\n", script.trim_end());
        }
        // So that no comment comes before a DELIMITER.
        script.push('q');
        for _ in 0..random.usize(0..10) {
            piece(&mut script, random, mode);
        }
        script.push_str(one(random, &["", " ", "\n"]));
        script.push_str(if delimiter == ";" && random.u8(..) < 20 { "\\g" } else { delimiter });
        script.push_str(one(random, &["", " ", "\n", "\n\n"]));
    }
    script
}

fn piece(script: &mut String, random: &mut Rng, mode: SqlMode) {
    match random.u8(..12) {
        0..=4 => script.push_str(one(random, &CODE)),
        5..=8 => quoted(script, random, mode),
        9 => comment(script, random, " -- ", "\n"),
        10 => {
            let open = one(random, &["#", "/*"]);
            comment(script, random, open, "*/\n");
        }
        _ => {
            script.push_str(one(random, &["/*! ", "/*!50000 ", "/*M! ", "/*M!100000 "]));
            script.push_str(one(random, &CODE[..5]));
            quoted(script, random, mode);
            script.push_str(" */ ");
        }
    }
}

fn quoted(script: &mut String, random: &mut Rng, mode: SqlMode) {
    let quote = one(random, &["'", "\"", "`"]);
    let escapes = quote != "`" && !mode.no_backslash_escapes && !(quote == "\"" && mode.ansi_quotes);
    script.push_str(quote);
    for _ in 0..random.usize(0..6) {
        match random.u8(..8) {
            0 => script.push_str(&quote.repeat(2)),
            1 if escapes => script.push_str(&format!("\\{quote}")),
            2 => script.push_str(if escapes { "\\\\" } else { "\\" }),
            3 => script.push_str(one(
                random,
                &["'", "\"", "`"].map(|other| if other == quote { "x" } else { other }),
            )),
            _ => script.push_str(one(
                random,
                &IN_QUOTES.map(|text| if text.starts_with(quote) { "x" } else { text }),
            )),
        }
    }
    script.push_str(quote);
}

fn comment(script: &mut String, random: &mut Rng, open: &str, close: &str) {
    script.push_str(open);
    for _ in 0..random.usize(0..5) {
        script.push_str(one(random, &IN_COMMENT));
    }
    script.push_str(close);
}

pub(super) fn one<'a>(random: &mut Rng, from: &[&'a str]) -> &'a str {
    from[random.usize(..from.len())]
}
