//! The tables, and `queryfleet setup`: versioned, safe to run twice and at once.

use mysql_async::prelude::Queryable;
use queryfleet_job::LedgerId;

use crate::Error;
use crate::client::ddl;
use crate::connection::LedgerClient;
use crate::error_code::{DUPLICATE_COLUMN, NO_SUCH_TABLE, TABLE_DENIED};

/// The version of the tables that this program reads and writes.
const VERSION: u32 = 3;
/// The tables of that version, the newest last, without queryfleet_meta, which is read first of all.
const TABLES: [&str; 5] =
    ["queryfleet_run", "queryfleet_ledger", "queryfleet_dead", "queryfleet_worker", "queryfleet_range"];
/// The number of additions to the tables of that version. A program that does not know one runs beside it, and one that
/// does runs without it: the version stays. Number 1: holds. Number 2: places of jobs, and what replaces them. Number 3:
/// limits, permits, events, kept counts, canaries and halts.
const ADDITIONS: u32 = 3;
/// The additions that are read by whoever may find them missing.
pub(crate) const HOLDS: u32 = 1;
pub(crate) const LIMITS: u32 = 3;
/// How many of them version 1 had.
const TABLES_1: usize = 4;

/// What queryfleet_meta says.
struct Stored {
    version: Option<String>,
    ledger: Option<String>,
    additions: u32,
}

/// Makes the tables, or brings those of an older version up to this one, and returns this ledger's identity.
pub(crate) async fn setup(client: &mut LedgerClient) -> Result<LedgerId, Error> {
    match stored(client).await? {
        // Nothing to make, and so no right to CREATE is needed.
        Stored { version: Some(version), ledger: Some(_), additions } if version == VERSION.to_string() => {
            verify_complete(client, &TABLES).await?;
            add(client, additions).await?;
        }
        Stored { version: Some(version), ledger: Some(_), .. } if version == "1" => {
            verify_complete(client, &TABLES[..TABLES_1]).await?;
            upgrade_1(client).await?;
            upgrade_2(client).await?;
            add(client, 0).await?;
        }
        Stored { version: Some(version), ledger: Some(_), .. } if version == "2" => {
            verify_complete(client, &TABLES).await?;
            upgrade_2(client).await?;
            add(client, 0).await?;
        }
        Stored { version: Some(_), ledger: Some(_), .. } => {}
        _ => create(client).await?,
    }
    let ledger = identity(client).await?;
    verify_engine(client).await.map(|()| ledger)
}

async fn create(client: &mut LedgerClient) -> Result<(), Error> {
    let fresh = LedgerId::fresh()?;
    let meta = client.database.tables.meta.clone();
    let tables = ddl::create(&client.database.tables);
    client.ask("make the tables of queryfleet", async |conn| {
        for table in &tables {
            conn.query_drop(table).await?;
        }
        // IGNORE: of two setups at once the first draws the identity, both then read the same one.
        let insert = format!(
            "INSERT IGNORE INTO {meta} (name, value) VALUES ('schema_version', '{VERSION}'), ('ledger', '{fresh}'), \
             ('additions', '{ADDITIONS}')"
        );
        conn.query_drop(insert).await
    })
    .await
}

/// From version 1 to 2. The version last: whoever reads the new one finds all that it has.
async fn upgrade_1(client: &mut LedgerClient) -> Result<(), Error> {
    let statements =
        [ddl::create_range(&client.database.tables), ddl::add_milestones(&client.database.tables)];
    upgrade(client, "upgrade the tables of queryfleet from version 1 to 2", &statements, (1, 2)).await
}

/// From version 2 to 3. A finer collation takes apart what was one name: no two rows can come to be one.
async fn upgrade_2(client: &mut LedgerClient) -> Result<(), Error> {
    let statements = ddl::add_version_3(&client.database.tables);
    upgrade(client, "upgrade the tables of queryfleet from version 2 to 3", &statements, (2, 3)).await
}

/// Makes the additions that are missing.
async fn add(client: &mut LedgerClient, additions: u32) -> Result<(), Error> {
    if additions >= ADDITIONS {
        return Ok(());
    }
    let meta = &client.database.tables.meta;
    let note = format!(
        "INSERT INTO {meta} (name, value) VALUES ('additions', '{ADDITIONS}') \
         ON DUPLICATE KEY UPDATE value = VALUES(value)"
    );
    let tables = &client.database.tables;
    let steps =
        [ddl::add_holds(tables).to_vec(), ddl::add_places(tables).to_vec(), ddl::add_limits(tables).to_vec()];
    let missing = steps.into_iter().skip(additions as usize).flatten();
    let statements: Vec<String> = missing.chain([note]).collect();
    execute(client, "add to the tables of queryfleet", &statements).await
}

/// Whether an error says that the tables lack an addition. An account with rights on tables alone is denied one that is not
/// there.
pub(crate) async fn lacks(client: &mut LedgerClient, addition: u32, error: &Error) -> bool {
    match error.code() {
        Some(NO_SUCH_TABLE) => true,
        Some(TABLE_DENIED) => stored(client).await.is_ok_and(|stored| stored.additions < addition),
        _ => false,
    }
}

async fn upgrade(
    client: &mut LedgerClient,
    doing: &'static str,
    statements: &[String],
    (from, to): (u32, u32),
) -> Result<(), Error> {
    let meta = &client.database.tables.meta;
    let version =
        format!("UPDATE {meta} SET value = '{to}' WHERE name = 'schema_version' AND value = '{from}'");
    let statements: Vec<String> = statements.iter().cloned().chain([version]).collect();
    execute(client, doing, &statements).await
}

async fn execute(client: &mut LedgerClient, doing: &'static str, statements: &[String]) -> Result<(), Error> {
    client
        .ask(doing, async |conn| {
            for statement in statements {
                match conn.query_drop(statement).await {
                    // Another setup has been here.
                    Err(mysql_async::Error::Server(error)) if error.code == DUPLICATE_COLUMN => {}
                    done => done?,
                }
            }
            Ok(())
        })
        .await
}

/// This ledger's identity, after checking that the tables are of this program's version.
pub(crate) async fn identity(client: &mut LedgerClient) -> Result<LedgerId, Error> {
    let stored = stored(client).await?;
    let schema = &client.database.schema;
    match (stored.version, stored.ledger) {
        (Some(version), Some(id)) if version == VERSION.to_string() => Ok(LedgerId(id)),
        (Some(version), Some(_)) => Err(Error::Schema(format!(
            "tables of queryfleet in database {schema} are of version {version}, this program wants {VERSION}: \
             run the `queryfleet setup` of the newer of the two"
        ))),
        (None, None) => Err(Error::Schema(format!(
            "database {schema} has no tables of queryfleet: run `queryfleet setup`"
        ))),
        _ => Err(Error::Schema(format!("queryfleet_meta in {schema} is incomplete: run `queryfleet setup`"))),
    }
}

/// What queryfleet_meta says; nothing when it is not there.
async fn stored(client: &mut LedgerClient) -> Result<Stored, Error> {
    let query = format!("SELECT name, value FROM {}", client.database.tables.meta);
    let asked = client.ask("read the ledger's identity", async |conn| conn.query(&query).await).await;
    let rows: Vec<(String, String)> = match asked {
        Err(error) if error.code() == Some(NO_SUCH_TABLE) => Vec::new(),
        other => other?,
    };
    let value = |wanted: &str| rows.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    let additions = value("additions").and_then(|number| number.parse().ok()).unwrap_or(0);
    Ok(Stored { version: value("schema_version"), ledger: value("ledger"), additions })
}

/// A table that was there and is gone is not made anew: an empty ledger would let every job run once more.
async fn verify_complete(client: &mut LedgerClient, tables: &[&str]) -> Result<(), Error> {
    let query = "SELECT table_name FROM information_schema.tables WHERE table_schema = ?";
    let schema = client.database.schema.clone();
    let found: Vec<String> =
        client.ask("read the tables' names", async |conn| conn.exec(query, (&schema,)).await).await?;
    for name in tables {
        if !found.iter().any(|table| table == name) {
            let text = format!("table {schema}.{name} is gone: restore it from a backup");
            return Err(Error::Schema(text));
        }
    }
    Ok(())
}

async fn verify_engine(client: &mut LedgerClient) -> Result<(), Error> {
    let query = "SELECT table_name, COALESCE(engine, 'none') FROM information_schema.tables \
                 WHERE table_schema = ? AND table_name LIKE 'queryfleet\\_%' AND COALESCE(engine, '') <> 'InnoDB'";
    let schema = client.database.schema.clone();
    let wrong: Vec<(String, String)> =
        client.ask("read the tables' engine", async |conn| conn.exec(query, (&schema,)).await).await?;
    match wrong.first() {
        None => Ok(()),
        Some((table, engine)) => Err(Error::Schema(format!(
            "table {schema}.{table} is {engine}, and only InnoDB can commit it together with a job: \
             ALTER TABLE {table} ENGINE=InnoDB"
        ))),
    }
}
