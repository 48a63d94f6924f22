//! Words glued to numbers, strings and dots: INTO is seen where the servers see it.

use queryfleet_sql::{Inspected, Kind, Refusal, SqlMode, check, inspect};

const MODES: [SqlMode; 3] = [
    SqlMode { no_backslash_escapes: false, ansi_quotes: false },
    SqlMode { no_backslash_escapes: true, ansi_quotes: false },
    SqlMode { no_backslash_escapes: false, ansi_quotes: true },
];

/// What may stand right before a word without being part of it.
const APART: [&str; 34] = [
    "1.",
    "1.5",
    ".5",
    "1e5",
    "1E5",
    "1e+5",
    "1e-5",
    "1.e3",
    "1.5e3",
    ".5e3",
    "-.5E-3",
    "0x41 ",
    "0b1 ",
    "\\N",
    "'a'",
    "x'41'",
    "X'41'",
    "b'1'",
    "n'a'",
    "N'a'",
    "_utf8mb4'a'",
    "_latin1 x'41'",
    "\"a\"",
    "`a`",
    "t.`a`",
    "@`a`",
    "@'a'",
    "(1)",
    "{d '2020-01-01'}",
    "1/**/",
    "1/*!50000 */",
    "`t`.1",
    "t .1",
    "1 -- x\n",
];

/// What a word is part of when it stands right before it.
const TOGETHER: [&str; 18] = [
    "0x41",
    "0b12",
    "0X41",
    "0x",
    "5",
    "1e",
    "1_0",
    "1$",
    "1é",
    "a",
    "t.",
    "t.1",
    "t.1e5",
    "t.x",
    "@",
    "@a",
    "@a.",
    "@@global.",
];

/// Read here, which no job may, whatever follows.
fn is_user_variable(before: &str) -> bool {
    before.contains('@') && !before.contains("@@")
}

#[test]
fn into_is_seen_where_the_servers_see_it() {
    for mode in MODES {
        for before in APART.into_iter().filter(|before| !is_user_variable(before)) {
            let sql = format!("SELECT {before}INTO OUTFILE 'f'");
            let kind = inspect(&sql, mode).map(|Inspected { kind, .. }| kind);
            assert!(kind == Ok(Kind::SelectIntoFile) || reads_variable(before, &kind), "{sql}: {kind:?}");
            let sql = format!("SELECT {before}INTO @z");
            assert!(matches!(check(&sql, mode), Err(Refusal::SessionState(_))), "{sql}");
            let sql = format!("SELECT {before}OUTFILE FROM t");
            let kind = check(&sql, mode);
            assert!(kind == Ok(Kind::Select) || reads_variable(before, &kind), "{sql}: {kind:?}");
        }
        for before in TOGETHER.into_iter().filter(|before| !is_user_variable(before)) {
            let sql = format!("SELECT {before}INTO FROM t");
            let kind = check(&sql, mode);
            assert!(kind == Ok(Kind::Select) || reads_variable(before, &kind), "{sql}: {kind:?}");
        }
        for before in APART.into_iter().chain(TOGETHER).filter(|before| is_user_variable(before)) {
            let sql = format!("SELECT {before}INTO FROM t");
            assert!(matches!(check(&sql, mode), Err(Refusal::SessionState(_))), "{sql}");
        }
    }
}

#[test]
fn what_is_no_number_to_any_server_is_refused() {
    for text in ["1.e", "1.ex", ".5e", "1.5e+", "1..5", "1.2.3", "1e5.5", "1.5.INTO", "0x41.INTO", "0b1.5"] {
        let sql = format!("SELECT {text} FROM t");
        assert_eq!(check(&sql, SqlMode::default()), Err(Refusal::BrokenNumber { offset: 7 }), "{sql}");
    }
}

#[test]
fn a_dollar_quote_is_seen_behind_a_number() {
    let refused = |sql: &str| matches!(check(sql, SqlMode::default()), Err(Refusal::Ambiguous { .. }));
    for before in ["", "1.", "1.5", "1e5", "1e+5", "1.e3", "`t`.1", "'a'", "(1)", "-", "a + ", "/*!50000 1*/"]
    {
        for sql in [format!("SELECT {before}$x$ ' $x$"), format!("UPDATE t SET a = {before}$x$ ' $x$")] {
            assert!(refused(&sql), "{sql}");
        }
    }
    for before in ["a", "1", "1e", "t.a", "t1.e3", "0x41", "@a", "@", "@@a."] {
        for sql in [format!("SELECT {before}$x$"), format!("UPDATE t SET a = {before}$x$")] {
            assert!(!refused(&sql), "{sql}");
        }
    }
}

/// Whether it is refused for the user variable that it reads.
fn reads_variable(before: &str, kind: &Result<Kind, Refusal>) -> bool {
    before.contains('@') && matches!(kind, Err(Refusal::SessionState(_)))
}
