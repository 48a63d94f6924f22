//! The tables, and `queryfleet setup`: versioned, safe to run twice and at once.

use job::LedgerId;
use mysql_async::prelude::Queryable;

use crate::Error;
use crate::connect::{Control, Tables};
use crate::error_code::NO_SUCH_TABLE;

/// The version of the tables that this program reads and writes.
pub(crate) const VERSION: u32 = 1;

fn statements(tables: &Tables) -> [String; 5] {
    let Tables { run, ledger, dead, worker, meta } = tables;
    [
        format!(
            "CREATE TABLE IF NOT EXISTS {meta} (
               name VARCHAR(64) NOT NULL PRIMARY KEY,
               value VARCHAR(255) NOT NULL
             ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {run} (
               id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
               name VARCHAR(190) NOT NULL UNIQUE,
               queue VARCHAR(100) NOT NULL,
               state ENUM('publishing','published','cancelled','purged') NOT NULL DEFAULT 'publishing',
               total BIGINT UNSIGNED NULL COMMENT 'NULL until the end of the input is confirmed',
               confirmed BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'jobs whose publishing the broker has confirmed',
               digest BINARY(32) NOT NULL COMMENT 'SHA-256 of the whole input',
               chunk INT UNSIGNED NOT NULL,
               session_version INT UNSIGNED NOT NULL DEFAULT 0,
               session_sql MEDIUMTEXT NULL,
               not_atomic ENUM('park','repeat') NULL,
               cancel_now TINYINT NOT NULL DEFAULT 0 COMMENT 'running statements are ended too',
               created TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
               KEY digest (digest)
             ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {ledger} (
               run BIGINT UNSIGNED NOT NULL,
               seq BIGINT UNSIGNED NOT NULL,
               state ENUM('done','dead','cancelled','started') NOT NULL,
               time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
               PRIMARY KEY (run, seq)
             ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {dead} (
               id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
               run BIGINT UNSIGNED NULL,
               seq BIGINT UNSIGNED NULL,
               digest CHAR(64) NULL COMMENT 'SHA-256 of the body, for what has no run and seq',
               queue VARCHAR(100) NOT NULL,
               state ENUM('dead','replaying','replayed','discarded') NOT NULL DEFAULT 'dead',
               reason VARCHAR(20) NOT NULL,
               code SMALLINT UNSIGNED NULL,
               sql_state CHAR(5) NULL,
               message TEXT NOT NULL,
               first_error TEXT NULL,
               attempts INT UNSIGNED NOT NULL,
               worker VARCHAR(190) NOT NULL,
               statement LONGTEXT NULL,
               envelope LONGBLOB NOT NULL,
               died TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
               UNIQUE KEY job (run, seq),
               UNIQUE KEY digest (digest)
             ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {worker} (
               id CHAR(32) NOT NULL PRIMARY KEY,
               name VARCHAR(190) NOT NULL,
               queue VARCHAR(100) NOT NULL,
               slots INT UNSIGNED NOT NULL,
               in_flight INT UNSIGNED NOT NULL DEFAULT 0,
               started TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
               seen TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
               KEY seen (seen)
             ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
        ),
    ]
}

impl Control {
    /// Makes what is missing of the tables and answers this ledger's identity.
    ///
    /// # Errors
    /// As connecting and querying can fail; tables that are of another version or not InnoDB are named.
    pub async fn setup(&mut self) -> Result<LedgerId, Error> {
        if let Ok(ledger) = self.identity().await {
            // Nothing to make, and so no right to CREATE is needed.
            self.verify_complete().await?;
            return self.verify_engine().await.map(|()| ledger);
        }
        let fresh = LedgerId::fresh()?;
        let meta = self.database.tables.meta.clone();
        let tables = statements(&self.database.tables);
        self.ask("make the tables of queryfleet", async |conn| {
            for table in &tables {
                conn.query_drop(table).await?;
            }
            // IGNORE: of two setups at once the first draws the identity, both then read the same one.
            let insert = format!(
                "INSERT IGNORE INTO {meta} (name, value) VALUES ('schema_version', '{VERSION}'), ('ledger', '{fresh}')"
            );
            conn.query_drop(insert).await
        })
        .await?;
        self.verify_engine().await?;
        self.identity().await
    }

    /// This ledger's identity, after checking that the tables are of this program's version.
    ///
    /// # Errors
    /// [`Error::Schema`] when `queryfleet setup` has not been run, or was run by another version.
    pub async fn identity(&mut self) -> Result<LedgerId, Error> {
        let schema = self.database.schema.clone();
        let query = format!("SELECT name, value FROM {}", self.database.tables.meta);
        let asked = self.ask("read the ledger's identity", async |conn| conn.query(&query).await).await;
        let rows: Vec<(String, String)> = match asked {
            Err(error) if error.code() == Some(NO_SUCH_TABLE) => {
                let text = format!("database {schema} has no tables of queryfleet: run `queryfleet setup`");
                return Err(Error::Schema(text));
            }
            other => other?,
        };
        let value =
            |wanted: &str| rows.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        match (value("schema_version"), value("ledger")) {
            (Some(version), Some(id)) if version == VERSION.to_string() => Ok(LedgerId(id.to_owned())),
            (Some(version), Some(_)) => Err(Error::Schema(format!(
                "tables of queryfleet in database {schema} are of version {version}, this program wants {VERSION}: \
                 run the `queryfleet setup` of the newer of the two"
            ))),
            _ => Err(Error::Schema(format!(
                "queryfleet_meta in {schema} is incomplete: run `queryfleet setup`"
            ))),
        }
    }

    /// A table that was there and is gone is not made anew: an empty ledger would let every job run once more.
    async fn verify_complete(&mut self) -> Result<(), Error> {
        let query = "SELECT table_name FROM information_schema.tables WHERE table_schema = ?";
        let schema = self.database.schema.clone();
        let found: Vec<String> =
            self.ask("read the tables' names", async |conn| conn.exec(query, (&schema,)).await).await?;
        for name in ["queryfleet_run", "queryfleet_ledger", "queryfleet_dead", "queryfleet_worker"] {
            if !found.iter().any(|table| table == name) {
                let text = format!("table {schema}.{name} is gone: restore it from a backup");
                return Err(Error::Schema(text));
            }
        }
        Ok(())
    }

    async fn verify_engine(&mut self) -> Result<(), Error> {
        let query = "SELECT table_name, COALESCE(engine, 'none') FROM information_schema.tables \
                     WHERE table_schema = ? AND table_name LIKE 'queryfleet\\_%' AND COALESCE(engine, '') <> 'InnoDB'";
        let schema = self.database.schema.clone();
        let wrong: Vec<(String, String)> =
            self.ask("read the tables' engine", async |conn| conn.exec(query, (&schema,)).await).await?;
        match wrong.first() {
            None => Ok(()),
            Some((table, engine)) => Err(Error::Schema(format!(
                "table {schema}.{table} is {engine}, and only InnoDB can commit it together with a job: \
                 ALTER TABLE {table} ENGINE=InnoDB"
            ))),
        }
    }
}
