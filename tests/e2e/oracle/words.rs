//! Where words end, with the server as the oracle: random texts of numbers, strings with prefixes, dots and names, with an
//! INTO glued to them, are executed, and the server says what it has taken for the keyword.

use mysql_async::Error;
use queryfleet_sql::{Kind, Refusal, SessionState, SqlMode, check, lacks_where};
use queryfleet_tests::{Client, Fleet};

use super::generate::one;

/// Random texts under each mode.
const RANDOM: usize = 1000;
const MODES: [(&str, SqlMode); 4] = [
    ("", SqlMode { no_backslash_escapes: false, ansi_quotes: false }),
    ("NO_BACKSLASH_ESCAPES", SqlMode { no_backslash_escapes: true, ansi_quotes: false }),
    ("ANSI_QUOTES", SqlMode { no_backslash_escapes: false, ansi_quotes: true }),
    ("IGNORE_SPACE", SqlMode { no_backslash_escapes: false, ansi_quotes: false }),
];

/// What words are glued to, each under every mode. Of all of CLOSING's rows one, and their neighbours.
const FIXED: [&str; 58] = [
    "0x41",
    "0x41 ",
    "0b12",
    "0b1",
    "0b1 ",
    "0X41",
    "0x",
    "12",
    "1e5",
    "1E+5",
    "1e-5",
    "1e1e1",
    "5",
    "1e",
    "1_0",
    "1$",
    "1é",
    "1e+",
    "1.",
    "1.5",
    "1.e3",
    "1.a",
    ".5",
    ".5e3",
    "1.e",
    "1.5e",
    ".5e+",
    "1..5",
    "1.2.3",
    "1e5.5",
    "0x41.",
    "1.5.",
    "x'41'",
    "X'4'",
    "b'1'",
    "n'a'",
    "N'a'",
    "'a'",
    "\"a\"",
    "`a`",
    "@`a`",
    "@'a'",
    "@\"a\"",
    "@a",
    "@a.b",
    "@z.12",
    "@",
    "@@",
    "@@version",
    "@@global.",
    "\\N",
    "\\n",
    "_utf8mb4'a'",
    "_latin1 x'41'",
    "t.",
    "t.1",
    "t .1",
    "`t`.1",
];
const PIECES: [&str; 44] = [
    "0",
    "1",
    "5",
    "12",
    ".",
    ".",
    "e",
    "E",
    "e5",
    "e+5",
    "+",
    "-",
    "0x",
    "0b",
    "x",
    "X",
    "b",
    "n",
    "N",
    "a",
    "_",
    "$",
    "é",
    "t",
    " ",
    "'a'",
    "\"a\"",
    "`a`",
    "'1'",
    "'\\'",
    "@",
    "@@",
    "@a",
    "\\N",
    "\\",
    "_utf8mb4",
    "(1)",
    "/**/",
    "/*!50000 ",
    "*/",
    "*",
    "AS ",
    "1 ",
    "1.",
];

/// Syntax, an unknown system variable, a number out of range.
const IN_PARSER: [u16; 3] = [1064, 1193, 1367];

/// What the server makes of a text.
#[derive(Debug)]
enum Said {
    /// It was executed; with INTO if so.
    Done { into: bool },
    /// A syntax error, or another that is raised before the parser has come to the end.
    Syntax,
    /// An error behind the parser, as of a column that there is not.
    Parsed,
}

struct Server(Client);

impl Server {
    fn new(fleet: &Fleet, mode: &str) -> Server {
        let mut client = fleet.client();
        client.run(&format!("SET sql_mode = '{mode}', NAMES utf8mb4")).unwrap();
        Server(client)
    }

    fn says(&mut self, sql: &str) -> Said {
        match self.0.run(&format!("SET @z = 'unset';{sql}\n")) {
            Ok(()) => {
                let value: Vec<Option<Vec<u8>>> = self.0.rows("SELECT CAST(@z AS BINARY)");
                Said::Done { into: value[0].as_deref() != Some(b"unset") }
            }
            Err(Error::Server(error)) if IN_PARSER.contains(&error.code) => Said::Syntax,
            Err(Error::Server(_)) => Said::Parsed,
            Err(error) => panic!("{sql}: {error}"),
        }
    }

    /// What is wrong with our reading of `SELECT {text}` and an INTO behind it.
    fn judge_into(&mut self, text: &str, mode: SqlMode, seen: &mut Seen) -> Option<String> {
        let mut wrong = None;
        for end in ["INTO @z", "INTO@z", "INTO"] {
            let sql = format!("SELECT {text}{end}");
            let (ours, server) = (check(&sql, mode), self.says(&sql));
            seen.count(&server);
            let agree = match (&ours, &server) {
                // One server takes it (`1.e(1)` on MySQL) and another does not: refused for both.
                (Err(Refusal::BrokenNumber { .. }), _) => true,
                // What differs between servers is not asked of one.
                (Err(Refusal::Ambiguous { .. }), Said::Done { .. } | Said::Parsed) => true,
                (Ok(Kind::Select), Said::Done { into: false } | Said::Parsed) => true,
                (Err(Refusal::SessionState(state)), Said::Done { into: true }) => {
                    *state == SessionState::SelectsIntoVariable
                }
                // Refused for itself, where no INTO is.
                (Err(Refusal::SessionState(SessionState::ReadsVariable)), _) => true,
                // An INTO is there, and the column or the variable is not.
                (Err(Refusal::SessionState(_)), Said::Parsed) => end != "INTO",
                (_, Said::Syntax) => true,
                _ => false,
            };
            if !agree {
                wrong = Some(format!("{sql:?} {mode:?}: ours {ours:?}, the server's {server:?}"));
            }
        }
        wrong
    }

    /// The same of an UPDATE that has a WHERE, or a column's name that ends so.
    fn judge_where(&mut self, text: &str, mode: SqlMode) -> Option<String> {
        let sql = format!("UPDATE words SET n = n + 1, s = {text}WHERE n < 0");
        self.0.run("UPDATE words SET n = 0").unwrap();
        let server = self.says(&sql);
        let changed = self.0.rows::<i64>("SELECT n FROM words")[0] > 0;
        let wrong = match server {
            Said::Done { .. } => lacks_where(&sql, mode) != changed && check(&sql, mode).is_ok(),
            _ => false,
        };
        wrong.then(|| format!("{sql:?} {mode:?}: changed all {changed}"))
    }
}

/// How often the server said what, so that the oracle is known to have been asked something.
#[derive(Debug, Default)]
struct Seen {
    into: u32,
    no_into: u32,
    syntax: u32,
    parsed: u32,
}

impl Seen {
    fn count(&mut self, said: &Said) {
        match said {
            Said::Done { into: true } => self.into += 1,
            Said::Done { into: false } => self.no_into += 1,
            Said::Syntax => self.syntax += 1,
            Said::Parsed => self.parsed += 1,
        }
    }
}

fn text(random: &mut fastrand::Rng) -> String {
    let number = if random.bool() { one(random, &FIXED[..33]) } else { "" };
    let pieces: String = (0..random.usize(0..4)).map(|_| one(random, &PIECES)).collect();
    if random.bool() { format!("{number}{pieces}") } else { format!("{pieces}{number}") }
}

#[test]
fn words_end_where_the_server_ends_them() {
    let given = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    let mut random = fastrand::Rng::with_seed(seed);
    let fleet = Fleet::new();
    fleet.sql("CREATE TABLE words (n INT, s TEXT)");
    fleet.sql("INSERT INTO words VALUES (0, '')");
    let (mut wrong, mut seen) = (Vec::new(), Seen::default());
    for (name, mode) in MODES {
        let mut server = Server::new(&fleet, name);
        let texts = (0..RANDOM).map(|_| text(&mut random)).chain(FIXED.map(str::to_owned));
        for text in texts.collect::<Vec<_>>() {
            wrong.extend(server.judge_into(&text, mode, &mut seen));
            wrong.extend(server.judge_where(&text, mode));
        }
    }
    assert!(wrong.is_empty(), "SEED={seed}: {} wrong, {seen:?}:\n{}", wrong.len(), wrong.join("\n"));
    let least = [seen.into, seen.no_into, seen.syntax, seen.parsed].into_iter().min();
    assert!(least > Some(100), "SEED={seed}: the server was asked too little: {seen:?}");
}
