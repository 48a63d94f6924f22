//! The tables, and `queryfleet setup`: versioned, safe to run twice and at once.

use mysql_async::prelude::Queryable;
use queryfleet_job::LedgerId;

use crate::Error;
use crate::client::tables::{add_milestones, add_version_3, create, create_range};
use crate::connect::LedgerClient;
use crate::error_code::{DUPLICATE_COLUMN, NO_SUCH_TABLE};

/// The version of the tables that this program reads and writes.
const VERSION: u32 = 3;
/// The tables of that version, the newest last, without queryfleet_meta, which is read first of all.
const TABLES: [&str; 5] =
    ["queryfleet_run", "queryfleet_ledger", "queryfleet_dead", "queryfleet_worker", "queryfleet_range"];
/// How many of them version 1 had.
const TABLES_1: usize = 4;

/// What queryfleet_meta says.
struct Stored {
    version: Option<String>,
    ledger: Option<String>,
}

impl LedgerClient {
    /// Makes the tables, or brings those of an older version up to this one, and answers this ledger's identity.
    ///
    /// # Errors
    /// As connecting and querying can fail; tables that are of a newer version, not InnoDB or gone are named.
    pub async fn setup(&mut self) -> Result<LedgerId, Error> {
        match self.stored().await? {
            // Nothing to make, and so no right to CREATE is needed.
            Stored { version: Some(version), ledger: Some(_) } if version == VERSION.to_string() => {
                self.verify_complete(&TABLES).await?;
            }
            Stored { version: Some(version), ledger: Some(_) } if version == "1" => {
                self.verify_complete(&TABLES[..TABLES_1]).await?;
                self.upgrade_1().await?;
                self.upgrade_2().await?;
            }
            Stored { version: Some(version), ledger: Some(_) } if version == "2" => {
                self.verify_complete(&TABLES).await?;
                self.upgrade_2().await?;
            }
            Stored { version: Some(_), ledger: Some(_) } => {}
            _ => self.create().await?,
        }
        let ledger = self.identity().await?;
        self.verify_engine().await.map(|()| ledger)
    }

    async fn create(&mut self) -> Result<(), Error> {
        let fresh = LedgerId::fresh()?;
        let meta = self.database.tables.meta.clone();
        let tables = create(&self.database.tables);
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
        .await
    }

    /// From version 1 to 2. The version last: whoever reads the new one finds all that it has.
    async fn upgrade_1(&mut self) -> Result<(), Error> {
        let statements = [create_range(&self.database.tables), add_milestones(&self.database.tables)];
        self.upgrade("upgrade the tables of queryfleet from version 1 to 2", &statements, (1, 2)).await
    }

    /// From version 2 to 3. A finer collation takes apart what was one name: no two rows can come to be one.
    async fn upgrade_2(&mut self) -> Result<(), Error> {
        let statements = add_version_3(&self.database.tables);
        self.upgrade("upgrade the tables of queryfleet from version 2 to 3", &statements, (2, 3)).await
    }

    async fn upgrade(
        &mut self,
        doing: &'static str,
        statements: &[String],
        (from, to): (u32, u32),
    ) -> Result<(), Error> {
        let meta = &self.database.tables.meta;
        let version =
            format!("UPDATE {meta} SET value = '{to}' WHERE name = 'schema_version' AND value = '{from}'");
        self.ask(doing, async |conn| {
            for statement in statements {
                match conn.query_drop(statement).await {
                    // Another setup has been here.
                    Err(mysql_async::Error::Server(error)) if error.code == DUPLICATE_COLUMN => {}
                    done => done?,
                }
            }
            conn.query_drop(version).await
        })
        .await
    }

    /// This ledger's identity, after checking that the tables are of this program's version.
    ///
    /// # Errors
    /// [`Error::Schema`] when `queryfleet setup` has not been run, or was run by another version.
    pub async fn identity(&mut self) -> Result<LedgerId, Error> {
        let stored = self.stored().await?;
        let schema = &self.database.schema;
        match (stored.version, stored.ledger) {
            (Some(version), Some(id)) if version == VERSION.to_string() => Ok(LedgerId(id)),
            (Some(version), Some(_)) => Err(Error::Schema(format!(
                "tables of queryfleet in database {schema} are of version {version}, this program wants {VERSION}: \
                 run the `queryfleet setup` of the newer of the two"
            ))),
            (None, None) => Err(Error::Schema(format!(
                "database {schema} has no tables of queryfleet: run `queryfleet setup`"
            ))),
            _ => Err(Error::Schema(format!(
                "queryfleet_meta in {schema} is incomplete: run `queryfleet setup`"
            ))),
        }
    }

    /// What queryfleet_meta says; nothing when it is not there.
    async fn stored(&mut self) -> Result<Stored, Error> {
        let query = format!("SELECT name, value FROM {}", self.database.tables.meta);
        let asked = self.ask("read the ledger's identity", async |conn| conn.query(&query).await).await;
        let rows: Vec<(String, String)> = match asked {
            Err(error) if error.code() == Some(NO_SUCH_TABLE) => Vec::new(),
            other => other?,
        };
        let value =
            |wanted: &str| rows.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        Ok(Stored { version: value("schema_version"), ledger: value("ledger") })
    }

    /// A table that was there and is gone is not made anew: an empty ledger would let every job run once more.
    async fn verify_complete(&mut self, tables: &[&str]) -> Result<(), Error> {
        let query = "SELECT table_name FROM information_schema.tables WHERE table_schema = ?";
        let schema = self.database.schema.clone();
        let found: Vec<String> =
            self.ask("read the tables' names", async |conn| conn.exec(query, (&schema,)).await).await?;
        for name in tables {
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
