//! SETs that no session SQL can replace, and what to do instead.

use queryfleet_sql::{Assignment, Target, Value};

use crate::check::settings::variables::KnownValue;

/// For a collation that is not to be known here.
pub(crate) const COLLATION: &str = "SET of a character set that leaves open how strings compare: write SET NAMES utf8mb4, or \
    SET NAMES utf8mb4 COLLATE and its name";

const KEY: &str = "it is of one statement: write the key into that";
const BINLOG: &str = "what mysqlbinlog writes has to run in its order: use the client";
const TRANSACTION: &str = "leave it out: each statement is a transaction of its own";
/// MariaDB's dumps have it from 11.8 on.
const AUTOCOMMIT: &str =
    "leave it out: each statement is a transaction of its own (of a dump: --skip-no-autocommit)";
const REPLICAS: &str =
    "leave it out: what is not in the binary log is on no replica (of a dump: --set-gtid-purged=OFF)";

/// Variables that hold for one statement, for the account or for the server, and what to do.
const UNSUPPORTED: [(&str, &str); 21] = [
    ("autocommit", AUTOCOMMIT),
    ("completion_type", TRANSACTION),
    ("insert_id", KEY),
    ("last_insert_id", KEY),
    ("identity", KEY),
    ("sql_auto_is_null", "leave it out: it tells of the statement before, which is anybody's"),
    ("timestamp", "it is of one statement: write the time into that"),
    ("rand_seed1", "it is of one statement: write the value into that"),
    ("rand_seed2", "it is of one statement: write the value into that"),
    ("sql_log_bin", REPLICAS),
    ("wsrep_on", "leave it out: what is not replicated is on one node of the cluster only"),
    ("skip_replication", REPLICAS),
    ("skip_parallel_replication", BINLOG),
    ("server_id", BINLOG),
    ("original_commit_timestamp", BINLOG),
    ("original_server_version", BINLOG),
    ("immediate_server_version", BINLOG),
    ("default_master_connection", BINLOG),
    ("transaction_read_only", "leave it out: a job writes its row in the ledger"),
    ("session_track_transaction_info", "leave it out: it changes what the driver is told"),
    ("session_track_state_change", "leave it out: it changes what the driver is told"),
];
/// The same for all variables that begin so.
const UNSUPPORTED_PREFIXES: [(&str, &str); 2] = [("gtid_", BINLOG), ("pseudo_", BINLOG)];

/// For a variable that nobody has looked at.
const NOT_KNOWN_HARMLESS: &str = "it is not known to leave jobs what they are: leave it out where the statements do not need it, or set it for \
    the whole server";

/// What to do instead of setting this variable; `None` when session SQL may.
pub(crate) fn instead(name: &str) -> Option<&'static str> {
    let listed = UNSUPPORTED
        .iter()
        .find(|(variable, _)| *variable == name)
        .or_else(|| UNSUPPORTED_PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix)));
    match listed {
        Some((_, instead)) => Some(*instead),
        None => (!queryfleet_sql::is_harmless_variable(name)).then_some(NOT_KNOWN_HARMLESS),
    }
}

/// The same as one sentence.
pub(crate) fn message(name: &str, value: &KnownValue, instead: &str) -> String {
    match value {
        KnownValue::Literal(text) => {
            format!("SET of {name} to {text} holds for one session, and jobs run in many: {instead}")
        }
        _ => format!("SET of {name} holds for one session, and jobs run in many: {instead}"),
    }
}

/// For text that is not UTF-8 to the client.
pub(crate) fn character_set(value: &KnownValue) -> String {
    let name = match value {
        KnownValue::Literal(name) => name.as_str(),
        _ => "one that is not named",
    };
    let instead = match name {
        // mydumper's, before it asked for another.
        "binary" => {
            "if the tables are utf8mb4, write utf8mb4 there (of a dump of mydumper: --set-names utf8mb4)"
        }
        "DEFAULT" | "one that is not named" => "write SET NAMES utf8mb4",
        _ => "convert it (of a dump: --default-character-set=utf8mb4)",
    };
    format!("SET of names to {name}, where all text is UTF-8: {instead}")
}

/// Why a part of a SET is refused wherever it stands: it does more than set a variable of its session.
pub(crate) fn refusal(one: &Assignment) -> Option<String> {
    let why = match (&one.target, &one.value) {
        (Target::Global(name), _) if name.starts_with("gtid") => {
            format!("SET GLOBAL {name} changes the whole server: leave it out (of a dump: --set-gtid-purged=OFF)")
        }
        (Target::Global(name), _) => {
            format!("SET GLOBAL {name} changes the whole server: do it with the client, before the run")
        }
        (Target::NextTransaction(name), _) => format!(
            "SET TRANSACTION of {name} is for the one transaction that follows: write SET SESSION TRANSACTION, or leave it out"
        ),
        (Target::Command("PASSWORD" | "DEFAULT ROLE"), _) => {
            "SET PASSWORD and SET DEFAULT ROLE change an account: do it with the client, before the run".into()
        }
        (Target::Command("ROLE"), _) => {
            "SET ROLE holds for one session, and jobs run in many: give the rights to the workers' account itself".into()
        }
        (Target::Command("STATEMENT"), _) => {
            "SET STATEMENT … FOR holds for one session, and jobs run in many: give the setting as session SQL of the run, a deadline as \
             `timeout` in NDJSON"
                .into()
        }
        (Target::Command(what), _) => format!("SET {what} holds for one session, and jobs run in many: leave it out"),
        (_, Value::Other(text)) => format!(
            "SET to `{}`, which may do more than give a value: write the value out, or use a subquery where it is needed",
            shown(text)
        ),
        _ => return None,
    };
    Some(why)
}

/// The beginning of a text, for an error.
fn shown(text: &str) -> String {
    const SHOWN_CHARACTERS: usize = 60;
    let short: String = text.chars().take(SHOWN_CHARACTERS).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{}{more}", short.escape_debug())
}
