use queryfleet_ledger::{Collations, Defaults};
use queryfleet_sql::{Splitter, SqlMode};

use super::*;
use crate::check::settings::variables::Server;

fn settings(session_sql: &str, version: &str) -> RunSettings {
    let name = |name: &str| format!("utf8mb4_{name}");
    let is_mysql = !version.contains("MariaDB");
    let of_utf8 = if is_mysql { "general_ci" } else { "uca1400_ai_ci" };
    let own = if is_mysql { "0900_ai_ci" } else { "uca1400_ai_ci" };
    let defaults = Defaults {
        utf8mb4: name(own),
        utf8: format!("utf8mb3_{of_utf8}"),
        utf8mb3: format!("utf8mb3_{of_utf8}"),
    };
    let collations = Collations {
        session: name(session_sql.split_once("COLLATE utf8mb4_").map_or(own, |(_, after)| after)),
        names: defaults.clone(),
        alone: defaults,
    };
    let server = Server { version: version.into(), collations };
    RunSettings::new(None, Some(session_sql).filter(|sql| !sql.is_empty()), SqlMode::default(), server)
}

/// The errors of a script, whose statements that are no SETs are jobs.
fn problems(script: &str, settings: &RunSettings) -> Vec<Problem> {
    let mut splitter = Splitter::new(SqlMode::default(), 1 << 20);
    splitter.feed(script.as_bytes());
    splitter.finish();
    let mut sets = SetTracker::default();
    let mut found = Vec::new();
    while let Some(statement) = splitter.next_statement().unwrap() {
        let place = statement.position;
        match queryfleet_sql::assignments(statement.sql, SqlMode::default()) {
            Some(assignments) => {
                found.extend(sets.take(assignments, settings, place, place.line).err());
            }
            None => {
                while let Err(problem) = sets.before_statement(settings, place) {
                    found.push(problem);
                }
            }
        }
    }
    found.into_iter().map(|placed| placed.problem).collect()
}

const MARIADB: &str = "11.8.2-MariaDB";

fn texts(script: &str, session_sql: &str) -> String {
    let errors = problems(script, &settings(session_sql, MARIADB));
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The session SQL that is advised until a script is taken.
fn advised_session_sql(script: &str, version: &str) -> String {
    let mut session_sql = String::new();
    for _ in 0..2 {
        match problems(script, &settings(&session_sql, version)).first() {
            Some(Problem::SessionSettings { session_sql: advised, .. }) => session_sql.clone_from(advised),
            Some(other) => panic!("{script}\nunder {session_sql}: {other}"),
            None => return session_sql,
        }
    }
    assert!(problems(script, &settings(&session_sql, version)).is_empty(), "{script}: {session_sql}");
    session_sql
}

#[test]
fn a_set_without_effect_on_a_statement_is_passed_over() {
    for script in [
        "SET NAMES utf8mb4; job",
        "SET NAMES utf8; job",
        "SET @old = @@sql_mode; job",
        "SET @old := @@sql_mode; job",
        "SET @x = 1; SET autocommit = @x; job; SET @x = NULL; job",
        "SET @old = CONCAT(@@sql_mode, ''), @y = 'it''s'",
        "SET NAMES utf8mb4; SET @saved = @@character_set_client; job; SET character_set_client = @saved; job",
        "SET SESSION TRANSACTION READ WRITE; job",
        "job; SET foreign_key_checks = 1",
        "SET foreign_key_checks = 0; SET foreign_key_checks = DEFAULT",
        "SET @o = @@sql_mode, sql_mode = ''; SET sql_mode = @o; job",
        "SET @o = @@sql_mode, sql_mode = ''; SET sql_mode = IFNULL(@o, ''); job",
        "SET autocommit = 1, completion_type = 0, character_set_results = latin1, wait_timeout = 5; job",
        "SET @c = @@character_set_client; SET character_set_client = utf8; SET character_set_client = @c; job",
        "SET @c = @@collation_connection; SET NAMES latin1; SET NAMES utf8mb4; SET collation_connection = @c; job",
        "/*!80000 SET SESSION information_schema_stats_expiry=0 */; job",
        "SET collation_connection = utf8mb4_uca1400_ai_ci; job",
    ] {
        assert_eq!(texts(script, ""), "", "{script}");
    }
}

#[test]
fn a_set_that_matters_is_refused_until_every_session_has_it() {
    for (script, advised) in [
        ("SET FOREIGN_KEY_CHECKS = 0; job; SET FOREIGN_KEY_CHECKS = 1", "SET foreign_key_checks=0"),
        ("SET collation_connection = utf8mb4_bin; job", "SET NAMES utf8mb4 COLLATE utf8mb4_bin"),
        ("SET NAMES utf8mb4 COLLATE 'utf8mb4_bin'; job", "SET NAMES utf8mb4 COLLATE utf8mb4_bin"),
        (
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; job",
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        ),
        (
            "SET sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'); job",
            "SET sql_mode=CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
        ),
        (
            "SET sql_mode = 'A'; SET sql_mode = CONCAT(@@sql_mode, ',B'), time_zone = '+00:00'; job",
            "SET sql_mode='A', time_zone='+00:00'; SET sql_mode=CONCAT(@@sql_mode, ',B')",
        ),
        // A trigger may read it.
        ("SET @who = 'import'; job", "SET @who='import'"),
        (
            "SET @disable_triggers = 1, time_zone = '+00:00'; job",
            "SET @disable_triggers=1, time_zone='+00:00'",
        ),
        (
            "SET @z = '+00:00', @n = 0; SET time_zone = @z, unique_checks = @n; job",
            "SET time_zone='+00:00', unique_checks=0",
        ),
        (
            "SET old_mode = 1, sql_notes = 2; SET old_mode = 3; job; SET old_mode = 4",
            "SET old_mode=3, sql_notes=2",
        ),
        (
            "/*M!100616 SET NOTE_VERBOSITY=0 */; SET old_mode = 1; job",
            "SET old_mode=1; /*M!100616 SET note_verbosity=0 */",
        ),
    ] {
        assert_eq!(advised_session_sql(script, MARIADB), advised, "{script}");
    }
    // There, the two character sets compare otherwise.
    assert_eq!(
        advised_session_sql("SET NAMES utf8; job", "8.0.40"),
        "SET NAMES utf8mb4 COLLATE utf8mb4_general_ci"
    );
    assert_eq!(
        advised_session_sql("/*!80000 SET SESSION information_schema_stats_expiry=0 */; job", "8.0.40"),
        "/*!80000 SET information_schema_stats_expiry=0 */"
    );
}

#[test]
fn every_variable_has_its_own_state() {
    let session_sql = "SET foreign_key_checks = 0, time_zone = '+00:00'";
    for (script, wanted) in [
        // What takes one back is not forgotten over another.
        (
            "SET @o = @@foreign_key_checks, foreign_key_checks = 0, time_zone = '+00:00'; job; \
             SET foreign_key_checks = @o; SET time_zone = '+00:00'; job",
            "which takes back what the session SQL of the run sets",
        ),
        (
            "SET foreign_key_checks = 0; job; SET foreign_key_checks = 1; job",
            "which sets foreign_key_checks, and those before",
        ),
        ("job; SET foreign_key_checks = 0; job", "which sets foreign_key_checks, and those before"),
        ("job; SET @who = 'a'; job", "which sets @who, and those before"),
        ("SET time_zone = '+00:00'; job; SET time_zone = @unset; job", "which sets time_zone"),
        ("SET NAMES utf8mb4 COLLATE utf8mb4_bin; job; SET NAMES utf8mb4; job", "give it as session SQL"),
    ] {
        let said = texts(script, session_sql);
        assert!(said.contains(wanted), "{script}: {said}");
    }
    for other in ["'b'", "'A'"] {
        let said = texts(&format!("SET @who = 'a'; job; SET @who = {other}; job"), "SET @who = 'a'");
        assert!(said.contains("which sets @who, and those before"), "{other}: {said}");
    }
    assert!(texts("SET @n = 1; SET @n = @n + 1; job", "").contains("@n"), "its own value is no other SET's");
    assert_eq!(
        texts(
            "SET foreign_key_checks = 0; job; SET time_zone = '+01:00'; SET foreign_key_checks = 1",
            session_sql
        ),
        ""
    );
    let collated = "SET NAMES utf8mb4 COLLATE utf8mb4_bin";
    assert_eq!(texts(&format!("{collated}; job"), collated), "");
    assert!(
        texts(&format!("{collated}; job; SET NAMES utf8mb4; job"), collated)
            .contains("which sets collation_connection")
    );
    let problems = problems("SET NAMES utf8mb4; job", &settings(collated, MARIADB));
    assert!(
        matches!(&problems[0], Problem::SessionSettings { session_sql, .. }
            if session_sql == "SET NAMES utf8mb4 COLLATE utf8mb4_uca1400_ai_ci"),
        "{problems:?}"
    );
}

#[test]
fn what_no_session_may_have_is_never_advised() {
    for (set, instead) in [
        ("insert_id = 5", "write the key"),
        ("@@session.timestamp = 1", "write the time"),
        ("last_insert_id = 5", "write the key"),
        ("sql_log_bin = 0", "no replica"),
        ("PASSWORD = 'x'", "change an account"),
        ("autocommit = 0", "leave it out"),
        ("pseudo_thread_id = 7", "mysqlbinlog"),
        ("gtid_next = 'AUTOMATIC'", "mysqlbinlog"),
        ("sql_select_limit = 1", "not known to leave jobs"),
        ("what_comes_next_year = 1", "not known to leave jobs"),
        ("GLOBAL a = 1", "the whole server"),
        ("@@GLOBAL.gtid_purged = 'x'", "--set-gtid-purged=OFF"),
        ("TRANSACTION READ ONLY", "one transaction"),
        ("SESSION TRANSACTION READ ONLY", "leave it out"),
        ("NAMES latin1", "convert it"),
        ("NAMES binary", "write utf8mb4 there"),
        ("character_set_connection = latin1", "leaves open how strings compare"),
        ("collation_connection = latin1_bin", "leaves open how strings compare"),
        ("CHARACTER SET utf8mb4", "leaves open how strings compare"),
        ("@x = (SELECT MAX(id) FROM t)", "write the value out"),
        ("@x = nextval(s)", "write the value out"),
        ("@x = @@global.sql_mode", "write the value out"),
        ("sql_auto_is_null = 1", "the statement before"),
        ("sql_mode = @unset", "write it out"),
        ("STATEMENT a = 1 FOR job", "SET STATEMENT"),
        ("ROLE x", "SET ROLE"),
    ] {
        let said = texts(&format!("SET {set}; job"), "");
        assert!(said.contains(instead) && !said.contains("give it as session SQL"), "{set}: {said}");
    }
}
