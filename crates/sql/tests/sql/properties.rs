//! What holds for any text.

use crate::split_in;
use proptest::prelude::*;
use queryfleet_sql::{
    SqlMode, assignments, calls_only_builtins, check, fingerprint, foreign_calls, inspect, lacks_where,
    placeholders, written_tables,
};

const LIMIT: usize = 200;

/// Cases a property: half a second in a debug build.
const CASES: u32 = 2000;

fn mode() -> impl Strategy<Value = SqlMode> {
    (any::<bool>(), any::<bool>())
        .prop_map(|(no_backslash_escapes, ansi_quotes)| SqlMode { no_backslash_escapes, ansi_quotes })
}

/// Text made of what the lexer looks at.
fn sql() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "'",
        "\"",
        "`",
        "\\",
        "''",
        "-",
        "--",
        "-- ",
        "#",
        "/*",
        "*/",
        "/*!",
        "/*!50000 ",
        "/*M!",
        "/*+",
        "*",
        "/",
        ";",
        "\n",
        " ",
        "\t",
        "a",
        "é",
        "\0",
        ":a",
        ":=",
        "@x",
        "$",
        "$a$",
        "UPDATE t ",
        "SET ",
        "=",
        "DELETE FROM ",
        ".",
        ")",
        "SELECT ",
        "INTO ",
        "DELIMITER ",
        "DELIMITER //\n",
        "//",
        "USE db\n",
        "\\g",
        "\\N",
        "(",
        "\u{FEFF}",
        ",",
        "1",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Text that the checks often take.
fn job() -> impl Strategy<Value = String> {
    prop_oneof![
        sql(),
        sql().prop_map(|text| format!("UPDATE t {text}")),
        statement().prop_map(|x| format!("DO {x}"))
    ]
}

/// One statement of a script, which a `;` may follow.
fn statement() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        " ",
        "\n",
        "'it''s; \\' x'",
        "\"; -- \"",
        "`;`",
        "/* ; ' */",
        "-- ; '\n",
        "# ; \"\n",
        "é",
        "/*! b */",
        "1 - 2",
        "/ 3",
        "\\N",
        "@x",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("x{}y", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn any_bytes_split_the_same_however_they_are_fed(
        bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..300), sql().prop_map(String::into_bytes)],
        mode in mode(),
        size in 1_usize..20,
    ) {
        let whole = split_in(bytes.len().max(1), &bytes, mode, LIMIT);
        prop_assert_eq!(split_in(size, &bytes, mode, LIMIT), whole);
    }

    #[test]
    fn no_text_makes_the_checks_panic(text in prop_oneof![sql(), any::<String>()], mode in mode()) {
        let _ = check(&text, mode);
        let _ = (lacks_where(&text, mode), written_tables(&text, mode));
        let _ = (fingerprint(&text, mode), assignments(&text, mode));
        prop_assert!(!calls_only_builtins(&text, mode) || foreign_calls(&text, mode).next().is_none());
        for one in placeholders(&text, mode) {
            prop_assert_eq!(&text[one.range], format!(":{}", one.name));
        }
    }

    #[test]
    fn joined_statements_split_into_themselves(statements in prop::collection::vec(statement(), 0..6)) {
        let script = statements.join(";\n");
        let (found, end) = split_in(64, script.as_bytes(), SqlMode::default(), LIMIT * 2);
        prop_assert_eq!(end, Ok(()));
        let found: Vec<_> = found.into_iter().map(|one| one.0).collect();
        prop_assert_eq!(found, statements);
    }

    #[test]
    fn what_was_split_splits_again(text in sql(), mode in mode()) {
        let (first, _) = split_in(64, text.as_bytes(), mode, LIMIT);
        let first: Vec<_> = first.into_iter().map(|one| one.0).collect();
        let script = first.iter().map(|one| format!("\n{one}\n;")).collect::<String>();
        let (second, end) = split_in(64, script.as_bytes(), mode, LIMIT * 2);
        let second: Vec<_> = second.into_iter().map(|one| one.0).collect();
        if end.is_ok() && !text.contains("DELIMITER") {
            prop_assert_eq!(second, first);
        }
    }

    /// The promise of the check, seen by the splitter: in a packet the text is one statement, and what follows is too.
    #[test]
    fn a_checked_text_is_one_statement_of_a_packet(text in job(), mode in mode()) {
        if let Ok(inspected) = inspect(&text, mode) {
            let packet = format!("START;x /* queryfleet 1/2 */ {}\n; RELEASE", inspected.sql);
            let (found, _) = split_in(64, packet.as_bytes(), mode, 10_000);
            let last = found.last().map(|one| one.0.as_str());
            let commands = text.contains('\\') || text.contains("DELIMITER") || text.contains("USE");
            prop_assert!(commands || (found.len() == 3 && last == Some("RELEASE")), "{:?}", found);
        }
    }

    /// The same where every version comment is skipped, as a server of another version would.
    #[test]
    fn a_checked_text_is_one_statement_without_its_version_comments(text in job(), mode in mode()) {
        if let Ok(inspected) = inspect(&text, mode) {
            let skipped = inspected.sql.replace("/*M!", "/*M_").replace("/*!", "/*_");
            let packet = format!("START;x {skipped}\n; RELEASE");
            let (found, _) = split_in(64, packet.as_bytes(), mode, 10_000);
            let last = found.last().map(|one| one.0.as_str());
            let commands = text.contains('\\') || text.contains("DELIMITER") || text.contains("USE");
            prop_assert!(commands || (found.len() == 3 && last == Some("RELEASE")), "{:?}", found);
        }
    }
}
