//! The splitter against its oracle: the same scripts go through the `mariadb` client with `--comments`, and what the
//! server's general log has received of it is what the splitter has to say.
//!
//! Meant differences, which [`plain::plain`] takes out of both sides: which of two statements a comment between them goes
//! with, or whether it is a query of its own; white space outside of quotes; a line that opens a statement with `--` and no
//! space, which the client sends and no server takes. The others are in [`MEANT`]. Not in the scripts: `\r\n`, which the
//! client turns into `\n`, commands that only the client has, and characters of four bytes, which the log does not hold.

mod executed;
mod generate;
mod plain;
mod uses;
mod words;
mod written;

use std::io::Write;
use std::process::Stdio;

use queryfleet_sql::{SplitError, Splitter, SqlMode};
use queryfleet_tests::Fleet;

/// Random scripts, a third of them under each mode.
const RANDOM: usize = 150;
const MODES: [(&str, SqlMode); 3] = [
    ("", SqlMode { no_backslash_escapes: false, ansi_quotes: false }),
    ("NO_BACKSLASH_ESCAPES", SqlMode { no_backslash_escapes: true, ansi_quotes: false }),
    ("ANSI_QUOTES", SqlMode { no_backslash_escapes: false, ansi_quotes: true }),
];

/// Scripts that both sides have to read alike under every mode.
const ALIKE: [&str; 37] = [
    "a;b",
    "a;;b;\n;\n",
    " a \n\n ; b",
    "a 'x;y' b \"x;y\" c `x;y`;d",
    "a 'it''s; x' `b``;` \"c\"\";\";d",
    "a '\"`;' \"'`;\" `'\";`;b",
    "a '\n;\n';b",
    "a 'é;';ü",
    "a -- ';\n;b # \";\n;c /* `; */;d",
    "a -- x; y\n b;c",
    "a; -- x\nb; # y\nc /* z */ ;d",
    "-- x;\na;# y;\nb;/* z; */c",
    "a--b;c - - d;e --\nf;g",
    "a-- b;\nc;d",
    "a/b;c*d;e/ *f;g",
    "/* a ' ; */ b;/** c **/d;/***/e;f",
    "a /* b\n; c\n*/ d;e",
    "/*! a ';' */ b;/*!50000 c */;/*M! d */;/*M!100000 e */;f",
    "/*!50000 a ; b */;c",
    "a /*!40101 'x*/' */;b",
    "/*+ a */ b;c /*+ d' */;e';f",
    "a\\g b\\G\nc \\N;d",
    "delimiter //\na;b//c//\nDELIMITER ;\nd;e",
    "delimiter $$\na '$$' b$$c\n$$\nd",
    "DELIMITER ;;\nCREATE x BEGIN a; b; END;;\nDELIMITER ;\nc;",
    "delimiter go\na 'go' b go c",
    "delimiter '//'\na;b//c",
    "delimiter // ignored\na//b",
    "USE information_schema;a;\nuse mysql\nb;",
    "use `mysql`;a",
    "used;user;a",
    "a # b",
    "a -- b",
    "\u{FEFF}a;b",
    "a `x\\`;b",
    "a;\n\u{1A}\n",
    "a\n\u{1A}",
];

/// The same for the default mode only.
const ESCAPED: [&str; 5] =
    ["a 'x\\';y' b \"x\\\";y\";c", "a 'x\\\\';b", "a \"x\\\";b\";c", "a '\\'';\"\\\"\";b", "a 'x\\''';y';b"];

/// Scripts under the default mode, and what each side makes of them, with the reason.
const MEANT: [(&str, &[&str], &[&str]); 4] = [
    // The client takes `*/*` for the start of another comment. The server does not.
    ("/*! a */* b;c */;d", &["/*! a */* b", "c */", "d"], &["/*! a */* b;c */", "d"]),
    // A backslash at the end of a line in a string: the client drops it, which leaves the value as it is.
    ("a 'x\\\n;y';b", &["a 'x\\\n;y'", "b"], &["a 'x\n;y'", "b"]),
    // A dump's first line: the client sends it with what follows; for the server it is a comment.
    (
        "/*M!999999\\- enable the sandbox mode */ \n-- x\na;",
        &["-- x\na"],
        &["/*M!999999 enable the sandbox mode */ a"],
    ),
    (
        "/*!999999\\- enable the sandbox mode */ \n-- x\na;",
        &["-- x\na"],
        &["/*!999999 enable the sandbox mode */ a"],
    ),
];

/// What the splitter makes of a script, and the error at its end.
fn split(script: &str, mode: SqlMode) -> (Vec<String>, Option<SplitError>) {
    let mut splitter = Splitter::new(mode, 1 << 20);
    splitter.feed(script.as_bytes());
    splitter.finish();
    let mut found = Vec::new();
    loop {
        match splitter.next_statement() {
            Ok(Some(statement)) => found.push(statement.sql.to_owned()),
            Ok(None) => return (found, None),
            Err(error) => return (found, Some(error)),
        }
    }
}

/// The general log of the server, on only until it is read: other tests' statements go there too.
struct Oracle {
    fleet: Fleet,
}

impl Drop for Oracle {
    /// The other tests on this server have no need of the log.
    fn drop(&mut self) {
        if let Some(mut client) = self.fleet.try_client() {
            let _ = client.run("SET GLOBAL general_log = 0");
        }
    }
}

impl Oracle {
    fn new() -> Oracle {
        let fleet = Fleet::new();
        if !fleet.is_mysql() {
            fleet.sql("SET GLOBAL log_output = 'TABLE', GLOBAL general_log = 1");
        }
        Oracle { fleet }
    }

    /// Sends a script through the client; what the server received is known by `case`.
    fn send(&self, case: usize, script: &str, mode: &str) {
        let mut command = self.fleet.tool("mariadb");
        command.args(["--batch", "--comments", "--force", "--default-character-set=utf8mb4"]);
        command.arg(format!("--init-command=SET sql_mode='{mode}', @queryfleet_case={case}"));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut client = command.spawn().unwrap();
        client.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        // Its exit code says whether the last statement failed.
        client.wait().unwrap();
    }

    /// What the server received, by case. Ends the log.
    fn received(&self, cases: usize) -> Vec<Vec<String>> {
        self.fleet.sql("SET GLOBAL general_log = 0");
        let rows: Vec<(u64, String, String)> = self.fleet.rows(
            "SELECT thread_id, CAST(command_type AS CHAR), CONVERT(argument USING utf8mb4) FROM mysql.general_log \
             WHERE thread_id IN (SELECT thread_id FROM mysql.general_log WHERE argument LIKE '%@queryfleet\\_case=%') \
             ORDER BY event_time, thread_id",
        );
        let mut found = vec![Vec::new(); cases];
        let mut case_of = std::collections::HashMap::new();
        for (thread, kind, text) in rows {
            if let Some((_, case)) = text.split_once("@queryfleet_case=") {
                case_of.insert(thread, case.parse::<usize>().unwrap());
                continue;
            }
            let Some(case) = case_of.get(&thread) else { continue };
            match kind.as_str() {
                // The client asks so before every USE.
                "Query" if text == "SELECT DATABASE()" => {}
                "Query" => found[*case].push(text),
                "Init DB" => found[*case].push(format!("USE {text}")),
                _ => {}
            }
        }
        found
    }
}

/// Both sides, without what is meant to differ.
fn compared(statements: &[String], mode: SqlMode) -> Vec<String> {
    let plain = statements.iter().map(|text| plain::plain(text, mode)).filter(|text| !text.is_empty());
    // The log has the name of a USE without its quotes.
    let is_use = |text: &str| text.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("use"));
    plain.map(|text| if is_use(&text) { text.to_lowercase().replace('`', "") } else { text }).collect()
}

/// A script, the place of its mode in [`MODES`], and what each side makes of it where that is meant to differ.
struct Case {
    script: String,
    mode: usize,
    meant: Option<(&'static [&'static str], &'static [&'static str])>,
}

fn cases(seed: u64) -> Vec<Case> {
    let alike = |script: String, mode| Case { script, mode, meant: None };
    let modes = 0..MODES.len();
    let fixed = modes.flat_map(|mode| ALIKE.map(|script| alike(script.to_owned(), mode)));
    let escaped = ESCAPED.map(|script| alike(script.to_owned(), 0));
    let meant = MEANT.map(|(script, ours, clients)| Case {
        script: script.to_owned(),
        mode: 0,
        meant: Some((ours, clients)),
    });
    let mut source = fastrand::Rng::with_seed(seed);
    let mut cases: Vec<Case> = fixed.chain(escaped).chain(meant).collect();
    cases.extend((0..RANDOM).map(|number| {
        let mode = number % MODES.len();
        alike(generate::script(&mut source, MODES[mode].1), mode)
    }));
    cases
}

impl Case {
    /// What is wrong when the server has received this.
    fn judge(&self, received: &[String]) -> Option<String> {
        let Case { script, mode, meant } = self;
        let mode = MODES[*mode].1;
        let (found, error) = split(script, mode);
        let (ours, mut clients) = (compared(&found, mode), compared(received, mode));
        let (as_we, as_client) = match meant {
            Some((as_we, as_client)) => {
                let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
                (compared(&texts(as_we), mode), compared(&texts(as_client), mode))
            }
            None => (ours.clone(), ours.clone()),
        };
        // What is still open at the end is an error here; the client sends it.
        if let Some(SplitError::Unterminated { .. }) = error
            && clients.len() == ours.len() + 1
        {
            clients.pop();
        } else if let Some(error) = error.filter(|error| !matches!(error, SplitError::Unterminated { .. })) {
            return Some(format!("{script:?} {mode:?}\n  {error}"));
        }
        let wrong = ours != as_we || clients != as_client;
        wrong.then(|| format!("{script:?} {mode:?}\n  ours   {ours:?}\n  client {clients:?}"))
    }
}

#[test]
fn scripts_are_split_as_the_client_does() {
    let given = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    let cases = cases(seed);
    let oracle = Oracle::new();
    if oracle.fleet.is_mysql() {
        // MySQL's own client is no oracle of ours.
        return;
    }
    for (number, case) in cases.iter().enumerate() {
        oracle.send(number, &case.script, MODES[case.mode].0);
    }
    let received = oracle.received(cases.len());
    let wrong: Vec<String> =
        cases.iter().zip(&received).filter_map(|(case, received)| case.judge(received)).collect();
    assert!(
        wrong.is_empty(),
        "SEED={seed}: {} of {} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
    let silent = received.iter().filter(|received| received.is_empty()).count();
    assert_eq!(silent, 0, "SEED={seed}: scripts of which the server has received nothing");
}
