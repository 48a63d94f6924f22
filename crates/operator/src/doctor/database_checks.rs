//! What the database's facts mean. Pure.

use queryfleet_ledger::{SessionFacts, Settings, Table, TableEngine, Written};

use super::finding::Finding;

/// Below this a statement of a few megabytes is refused by the server; it is MariaDB's own default.
const MIN_PACKET_BYTES: u64 = 16 * 1024 * 1024;
pub(super) const TLS: &str = "database TLS";
/// How many tables a finding names.
const NAMES_SHOWN: usize = 5;

/// The server answers, and its session is as the init step wants it.
pub(super) fn session(server: &str, schema: &str, facts: &SessionFacts, lock_wait_s: u64) -> [Finding; 2] {
    let product = if facts.version.contains("MariaDB") { "MariaDB" } else { "MySQL" };
    let reached = format!("{product} {} at {server}, database {schema}", facts.version);
    let init = format!("autocommit, lock waits of {lock_wait_s} s and utf8mb4 are set and read back");
    [Finding::ok("database", reached), Finding::ok("session", init)]
}

/// TLS, durable commits, room for statements, nothing that others put into our sessions.
pub(super) fn settings(settings: &Settings, max_allowed_packet: u64, verified: bool) -> Vec<Finding> {
    vec![
        tls(settings.tls.as_deref(), verified),
        durability(settings),
        packet(max_allowed_packet),
        init_connect(&settings.init_connect),
    ]
}

fn tls(cipher: Option<&str>, verified: bool) -> Finding {
    match cipher {
        Some(cipher) if verified => Finding::ok(TLS, format!("in use, verified: {cipher}")),
        Some(cipher) => Finding::warn(
            TLS,
            format!("in use, but anybody could be the server: {cipher}"),
            "take verify_ca=false and verify_identity=false out of QUERYFLEET_MYSQL_URL, and name the authority with QUERYFLEET_MYSQL_CA",
        ),
        None => {
            Finding::ok(TLS, "not in use: to ask for it append ?require_ssl=true to QUERYFLEET_MYSQL_URL")
        }
    }
}

fn durability(settings: &Settings) -> Finding {
    let mut found = vec![format!("innodb_flush_log_at_trx_commit={}", settings.flush_log)];
    let mut remedies = Vec::new();
    if settings.flush_log != "1" {
        remedies.push("SET GLOBAL innodb_flush_log_at_trx_commit=1;");
    }
    match settings.sync_binlog.as_deref() {
        None => found.push("binary log off".into()),
        Some(sync) => {
            found.push(format!("sync_binlog={sync}"));
            if sync != "1" {
                remedies.push("SET GLOBAL sync_binlog=1;");
            }
        }
    }
    let found = found.join(", ");
    if remedies.is_empty() {
        return Finding::ok("durability", found);
    }
    let lost = format!("{found}: a crash of the server can lose statements that were reported as done");
    Finding::fail("durability", lost, format!("{} and the same in its configuration", remedies.join(" ")))
}

/// What came of the rows that were written to try it, each with what writes such a row.
pub(super) fn writable(settings: &Settings, tried: &[(&'static str, Written)]) -> Finding {
    const CHECK: &str = "writable";
    const REMEDY: &str = "point QUERYFLEET_MYSQL_URL at the server that takes writes";
    if !settings.read_only.is_empty() {
        return Finding::fail(CHECK, format!("{} is on", settings.read_only.join(" and ")), REMEDY);
    }
    let refused = tried.iter().find_map(|(what, written)| match written {
        Written::No(words) => Some(format!("{what} cannot be written: {words}")),
        _ => None,
    });
    if let Some(refused) = refused {
        return Finding::fail(CHECK, refused, "");
    }
    let untried = tried.iter().find(|(_, written)| *written == Written::Untried);
    match untried {
        Some((what, _)) => Finding::fail(
            CHECK,
            format!("{what} could not be written to try it"),
            "fix what the checks of tables and rights say first",
        ),
        None => {
            let what: Vec<&str> = tried.iter().map(|(what, _)| *what).collect();
            Finding::ok(CHECK, format!("written, and rolled back: {}", what.join(", ")))
        }
    }
}

/// Whether the server runs something of somebody else's in our sessions.
fn init_connect(sql: &str) -> Finding {
    const CHECK: &str = "init_connect";
    if sql.trim().is_empty() {
        return Finding::ok(CHECK, "the server runs nothing of its own in a new session");
    }
    let text: String = sql.chars().take(80).collect();
    let found = format!("the server runs this in each new session, and jobs run without it: {text}");
    Finding::warn(CHECK, found, "give what jobs need as QUERYFLEET_SESSION_SQL")
}

fn packet(bytes: u64) -> Finding {
    let found = format!("max_allowed_packet={bytes}");
    if bytes >= MIN_PACKET_BYTES {
        return Finding::ok("packet", found);
    }
    let small = format!("{found}: larger statements and chunks are refused");
    Finding::warn("packet", small, format!("SET GLOBAL max_allowed_packet={MIN_PACKET_BYTES};"))
}

/// The tables of queryfleet: those that this user can see, those that are not there, and what reading their version
/// said.
pub(super) fn tables(
    schema: &str,
    visible: &[TableEngine],
    missing: &[Table],
    identity: &Result<String, String>,
) -> Finding {
    const CHECK: &str = "tables";
    let ledger = match identity {
        Ok(ledger) => ledger,
        Err(text) => return Finding::fail(CHECK, text.clone(), ""),
    };
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(|table| table.as_str()).collect();
        // `setup` makes no single table anew, and rightly so: with an empty ledger jobs would run twice.
        let remedy = "restore it from a backup";
        return Finding::fail(CHECK, format!("{} is not there", names.join(", ")), remedy);
    }
    match visible.iter().find(|table| is_ours(table) && table.engine != "InnoDB") {
        Some(TableEngine { table, engine }) => Finding::fail(
            CHECK,
            format!("{table} is {engine}, and only InnoDB can commit it together with a job"),
            format!("ALTER TABLE `{schema}`.`{table}` ENGINE=InnoDB;"),
        ),
        None => Finding::ok(CHECK, format!("of this version, InnoDB{}, ledger {ledger}", unseen(visible))),
    }
}

/// The tables that this account has no right to, and whose engine it cannot see.
fn unseen(visible: &[TableEngine]) -> String {
    let is_seen = |name: &str| visible.iter().any(|table| table.table == name);
    let names: Vec<&str> =
        Table::ALL.iter().map(|table| table.as_str()).filter(|name| !is_seen(name)).collect();
    if names.is_empty() {
        String::new()
    } else {
        format!(" (not seen by this account: {})", names.join(", "))
    }
}

fn is_ours(table: &TableEngine) -> bool {
    Table::ALL.iter().any(|ours| ours.as_str() == table.table)
}

/// The job's own tables: those that a transaction does not hold.
pub(super) fn engines(found: &[String]) -> Finding {
    if found.is_empty() {
        return Finding::ok("engines", "every table that this user can see is transactional");
    }
    let named = found[..found.len().min(NAMES_SHOWN)].join(", ");
    let more = if found.len() > NAMES_SHOWN { ", …" } else { "" };
    Finding::warn(
        "engines",
        format!("{} tables are not transactional: {named}{more}", found.len()),
        "statements that write one of them are refused without --not-atomic: ALTER TABLE … ENGINE=InnoDB",
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level::{self, Fail, Ok as Good, Warn};
    use super::*;

    fn durable(flush_log: &str, sync_binlog: Option<&str>) -> Settings {
        Settings {
            flush_log: flush_log.into(),
            sync_binlog: sync_binlog.map(str::to_owned),
            ..Settings::default()
        }
    }

    #[test]
    fn only_durable_commits_pass() {
        let rows: [(&str, Option<&str>, Level, &[&str]); 6] = [
            ("1", None, Good, &[]),
            ("1", Some("1"), Good, &[]),
            ("2", None, Fail, &["SET GLOBAL innodb_flush_log_at_trx_commit=1;"]),
            ("0", Some("1"), Fail, &["SET GLOBAL innodb_flush_log_at_trx_commit=1;"]),
            ("1", Some("0"), Fail, &["SET GLOBAL sync_binlog=1;"]),
            ("2", Some("1000"), Fail, &["innodb_flush_log_at_trx_commit=1;", "sync_binlog=1;"]),
        ];
        for (flush_log, sync_binlog, level, remedies) in rows {
            let finding = durability(&durable(flush_log, sync_binlog));
            assert_eq!(finding.level, level, "{finding:?}");
            assert!(remedies.iter().all(|remedy| finding.remedy.contains(remedy)), "{finding:?}");
        }
    }

    #[test]
    fn a_replica_fails_and_a_small_packet_warns() {
        let replica = Settings { read_only: vec!["read_only"], ..durable("1", None) };
        let levels = |settings: &Settings, packet| -> Vec<Level> {
            super::settings(settings, packet, true).iter().map(|finding| finding.level).collect()
        };
        assert_eq!(levels(&durable("1", None), MIN_PACKET_BYTES), [Good, Good, Good, Good]);
        assert_eq!(levels(&durable("1", None), MIN_PACKET_BYTES - 1), [Good, Good, Warn, Good]);
        assert_eq!(writable(&replica, &[("a run", Written::Yes)]).level, Fail);
    }

    #[test]
    fn a_certificate_that_nobody_looks_at_warns() {
        assert_eq!(tls(None, false).level, Good);
        assert_eq!(tls(Some("TLSv1.3"), true).level, Good);
        assert_eq!(tls(Some("TLSv1.3"), false).level, Warn);
    }

    fn table(table: &str, engine: &str) -> TableEngine {
        TableEngine { table: table.into(), engine: engine.into() }
    }

    #[test]
    fn tables_have_to_be_ours_and_innodb() {
        let ledger = Ok("c0ffee".to_owned());
        let good = [table("queryfleet_ledger", "InnoDB"), table("queryfleet_of_somebody", "MyISAM")];
        assert_eq!(tables("shop", &good, &[], &ledger).level, Good);
        assert_eq!(tables("shop", &good, &[Table::Worker], &ledger).found, "queryfleet_worker is not there");
        let wrong = tables("shop", &[table("queryfleet_dead", "Aria")], &[], &ledger);
        assert_eq!(
            (wrong.level, &*wrong.remedy),
            (Fail, "ALTER TABLE `shop`.`queryfleet_dead` ENGINE=InnoDB;")
        );
        assert_eq!(tables("shop", &[], &[], &Err("run `queryfleet setup`".into())).level, Fail);
    }

    #[test]
    fn at_most_five_tables_are_named() {
        assert_eq!(engines(&[]).level, Good);
        let many: Vec<String> = (1..=7).map(|n| format!("a.old{n} (MyISAM)")).collect();
        let finding = engines(&many);
        assert_eq!(finding.level, Warn);
        assert_eq!(
            finding.found,
            "7 tables are not transactional: a.old1 (MyISAM), a.old2 (MyISAM), a.old3 (MyISAM), a.old4 (MyISAM), \
             a.old5 (MyISAM), …"
        );
    }
}
