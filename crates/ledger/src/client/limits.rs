//! The limit of a queue: what a person allows all of its workers together.

use std::time::Duration;

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Row, params};

use crate::Error;
use crate::client::schema;
use crate::connection::LedgerClient;
use crate::error_code::DUPLICATE_KEY;
use crate::row;

/// A limit as its row says.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct LimitRow {
    /// One more with each change.
    pub version: u32,
    /// What is allowed, as `Limit::read` understands it.
    pub terms: String,
    /// Since when, in UTC.
    pub changed: String,
    /// Who has changed it.
    pub changed_by: String,
    /// Why.
    pub because: String,
    /// HMAC of queue, version and terms.
    pub signature: Option<String>,
    /// The server's time when it was read, in seconds since 1970.
    pub now: i64,
}

/// A limit that somebody wants to set.
pub struct NewLimit<'a> {
    /// The queue.
    pub queue: &'a str,
    /// Its version: one more than that of the row that it replaces.
    pub version: u32,
    /// What is allowed.
    pub terms: &'a str,
    /// Who.
    pub by: &'a str,
    /// Why.
    pub because: &'a str,
    /// HMAC of queue, version and terms.
    pub signature: Option<&'a str>,
}

/// What a worker says of its queue's limit in its row.
#[derive(Clone, Debug, FromRow)]
pub struct WorkerLimit {
    /// host:pid.
    pub name: String,
    /// How many slots it has.
    pub slots: u32,
    /// How many of them held a message when it last said so.
    pub in_flight: u32,
    /// The version that it obeys; 0: it has found no limit; `None` of a version that knows of none.
    pub limit_version: Option<u32>,
}

/// The rows of limits; see [`LedgerClient::limits`].
pub struct Limits<'a> {
    pub(super) client: &'a mut LedgerClient,
}

impl Limits<'_> {
    /// The limit of a queue; the inner `None`: nobody has ever set one. `None` if this ledger was set up by a version that
    /// had none.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn of_queue(&mut self, queue: &str) -> Result<Option<Option<LimitRow>>, Error> {
        let query = format!(
            "SELECT version, terms, DATE_FORMAT(changed, '%Y-%m-%dT%H:%i:%sZ') AS changed, changed_by, because, \
             signature, TIMESTAMPDIFF(SECOND, '1970-01-01', UTC_TIMESTAMP()) AS now FROM {} WHERE queue = ?",
            self.client.database.tables.limit
        );
        let asked = self
            .client
            .ask("read the limit of the queue", async |conn| {
                conn.exec_first::<Row, _, _>(query, (queue,)).await
            })
            .await;
        match asked {
            Err(error) if schema::lacks(self.client, schema::LIMITS, &error).await => Ok(None),
            asked => Ok(Some(asked?.map(|row| row::read(row, "queryfleet_limit")).transpose()?)),
        }
    }

    /// Sets the limit of a queue. Returns false if somebody else has changed it meanwhile: nothing is changed then.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the row. Whether it is in force is not known then.
    pub async fn set(&mut self, new: &NewLimit<'_>) -> Result<bool, Error> {
        let limit = &self.client.database.tables.limit;
        let write = if new.version == 1 {
            format!(
                "INSERT INTO {limit} (queue, version, terms, changed, changed_by, because, signature) \
                 VALUES (:queue, :version, :terms, UTC_TIMESTAMP(3), :by, :because, :signature)"
            )
        } else {
            format!(
                "UPDATE {limit} SET version = :version, terms = :terms, changed = UTC_TIMESTAMP(3), changed_by = :by, \
                 because = :because, signature = :signature WHERE queue = :queue AND version = :version - 1"
            )
        };
        let values = params! {
            "queue" => new.queue,
            "version" => new.version,
            "terms" => new.terms,
            "by" => new.by,
            "because" => new.because,
            "signature" => new.signature,
        };
        let written = self
            .client
            .ask("set the limit of the queue", async |conn| {
                conn.exec_drop(write, values).await?;
                Ok(conn.affected_rows() > 0)
            })
            .await;
        match written {
            Err(error) if error.code() == Some(DUPLICATE_KEY) => Ok(false),
            written => written,
        }
    }

    /// Notes which version of the limit a worker obeys.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn acknowledge(&mut self, worker: &str, version: u32) -> Result<(), Error> {
        let update =
            format!("UPDATE {} SET limit_version = ? WHERE id = ?", self.client.database.tables.worker);
        self.client
            .ask("acknowledge the limit", async |conn| conn.exec_drop(update, (version, worker)).await)
            .await
    }

    /// What the workers of a queue that were heard of within this time say of its limit.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn of_workers(&mut self, queue: &str, within: Duration) -> Result<Vec<WorkerLimit>, Error> {
        let query = format!(
            "SELECT name, slots, in_flight, limit_version FROM {} WHERE queue = ? AND \
             ABS(UNIX_TIMESTAMP() - UNIX_TIMESTAMP(seen)) <= {} ORDER BY name",
            self.client.database.tables.worker,
            within.as_secs().max(1)
        );
        let rows: Vec<Row> = self
            .client
            .ask("read which limit workers obey", async |conn| conn.exec(query, (queue,)).await)
            .await?;
        rows.into_iter().map(|row| row::read(row, "queryfleet_worker")).collect()
    }
}
