//! The holds of a queue: while there is one, no job of the queue begins.
//!
//! Times are in UTC, whatever the time zone of the server or of a session: a local time exists twice in one night of the
//! year.

use std::time::Duration;

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Row, params};
use queryfleet_job::Hold;

use crate::Error;
use crate::client::schema;
use crate::client::workers::SILENT_S;
use crate::connection::LedgerClient;
use crate::row;

/// A hold that somebody wants to place.
pub struct NewHold<'a> {
    /// The queue that is held.
    pub queue: &'a str,
    /// When it ends by itself; `None`: it is lifted by somebody.
    pub until: Option<Until<'a>>,
    /// Whether running statements are ended, except those that are not atomic.
    pub ends_running: bool,
    /// Who.
    pub by: &'a str,
    /// Why.
    pub because: &'a str,
}

/// When a hold ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until<'a> {
    /// So long after it was placed, by the server's clock.
    After(Duration),
    /// At a time in UTC, as `YYYY-MM-DD HH:MM:SS`.
    Utc(&'a str),
}

/// A hold as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// What a worker knows of it.
    pub hold: Hold,
    /// Since when it is in force, in UTC.
    pub since: String,
    /// Until when, in UTC; `None`: until it is lifted.
    pub until: Option<String>,
}

/// What a worker says of holds in its row.
#[derive(Clone, Debug, FromRow)]
pub struct WorkerHolds {
    /// host:pid.
    pub name: String,
    /// How many of its slots held a message when it last said so.
    pub in_flight: u32,
    /// The ids of the holds that it obeys, as [`hold_ids`] has them; `None` of a version that knows of none.
    pub holds: Option<String>,
}

/// The rows of holds; see [`LedgerClient::holds`].
pub struct Holds<'a> {
    pub(super) client: &'a mut LedgerClient,
}

impl Holds<'_> {
    /// The holds of a queue that are in force, the oldest first. `None` if this ledger was set up by a version that had
    /// none.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn in_force(&mut self, queue: &str) -> Result<Option<Vec<HoldRow>>, Error> {
        let query = format!(
            "SELECT id, placed_by, because, ends_running, DATE_FORMAT(placed, '%Y-%m-%dT%H:%i:%sZ'), \
             DATE_FORMAT(expires, '%Y-%m-%dT%H:%i:%sZ') FROM {} \
             WHERE queue = ? AND (expires IS NULL OR expires > UTC_TIMESTAMP(3)) ORDER BY id",
            self.client.database.tables.hold
        );
        type Columns = (u64, String, String, bool, String, Option<String>);
        let asked = self
            .client
            .ask("read the holds of the queue", async |conn| {
                conn.exec::<Columns, _, _>(query, (queue,)).await
            })
            .await;
        let rows = match asked {
            Err(error) if schema::lacks(self.client, schema::HOLDS, &error).await => return Ok(None),
            rows => rows?,
        };
        let row = |(id, by, because, ends_running, since, until): Columns| HoldRow {
            hold: Hold { id, by, because, ends_running },
            since,
            until,
        };
        Ok(Some(rows.into_iter().map(row).collect()))
    }

    /// Places a hold, and returns its id.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the row. Whether it is in force is not known then.
    pub async fn place(&mut self, new: &NewHold<'_>) -> Result<u64, Error> {
        let expires = match new.until {
            None => "NULL".to_owned(),
            Some(Until::After(after)) => {
                format!("UTC_TIMESTAMP(3) + INTERVAL {} MICROSECOND", after.as_micros())
            }
            Some(Until::Utc(_)) => "CAST(:until AS DATETIME(3))".to_owned(),
        };
        let insert = format!(
            "INSERT INTO {} (queue, placed, expires, ends_running, placed_by, because) \
             VALUES (:queue, UTC_TIMESTAMP(3), {expires}, :ends_running, :by, :because)",
            self.client.database.tables.hold
        );
        let until = match new.until {
            Some(Until::Utc(until)) => Some(until),
            _ => None,
        };
        let mut values = vec![
            ("queue", mysql_async::Value::from(new.queue)),
            ("ends_running", new.ends_running.into()),
            ("by", new.by.into()),
            ("because", new.because.into()),
        ];
        values.extend(until.map(|until| ("until", until.into())));
        self.client
            .ask("place the hold", async |conn| {
                conn.exec_drop(insert, mysql_async::Params::from(values)).await?;
                Ok(conn.last_insert_id().unwrap_or_default())
            })
            .await
    }

    /// Lifts one hold of a queue. Returns false if there is none of this id.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn lift(&mut self, queue: &str, id: u64) -> Result<bool, Error> {
        let delete =
            format!("DELETE FROM {} WHERE id = :id AND queue = :queue", self.client.database.tables.hold);
        self.client
            .ask("lift the hold", async |conn| {
                conn.exec_drop(delete, params! { id, queue }).await?;
                Ok(conn.affected_rows() > 0)
            })
            .await
    }

    /// Takes the rows of holds that have ended by themselves.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn remove_expired(&mut self, queue: &str) -> Result<(), Error> {
        let delete = format!(
            "DELETE FROM {} WHERE queue = ? AND expires <= UTC_TIMESTAMP(3)",
            self.client.database.tables.hold
        );
        self.client
            .ask("remove the holds that have ended", async |conn| conn.exec_drop(delete, (queue,)).await)
            .await
    }

    /// What the workers of a queue that were heard of within this time say of holds.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn of_workers(&mut self, queue: &str, within: Duration) -> Result<Vec<WorkerHolds>, Error> {
        let query = format!(
            "SELECT name, in_flight, holds FROM {} WHERE queue = ? AND {SILENT_S} BETWEEN -{seconds} AND {seconds} \
             ORDER BY name",
            self.client.database.tables.worker,
            seconds = within.as_secs().max(1)
        );
        let rows: Vec<Row> = self
            .client
            .ask("read which holds workers obey", async |conn| conn.exec(query, (queue,)).await)
            .await?;
        rows.into_iter().map(|row| row::read(row, "queryfleet_worker")).collect()
    }

    /// Notes which holds a worker obeys, as [`hold_ids`] has them, and how many of its slots hold a message.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn acknowledge(&mut self, worker: &str, ids: &str, in_flight: u32) -> Result<(), Error> {
        let update = format!(
            "UPDATE {} SET holds = ?, in_flight = ? WHERE id = ?",
            self.client.database.tables.worker
        );
        self.client
            .ask("acknowledge the holds", async |conn| conn.exec_drop(update, (ids, in_flight, worker)).await)
            .await
    }
}

/// The ids of holds as a worker's row has them: `,3,7,`; `,` when there is none.
pub fn hold_ids<'a>(holds: impl IntoIterator<Item = &'a Hold>) -> String {
    holds.into_iter().fold(String::from(","), |ids, hold| format!("{ids}{},", hold.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_between_commas() {
        let hold = |id| Hold { id, by: String::new(), because: String::new(), ends_running: false };
        assert_eq!(hold_ids([]), ",");
        assert_eq!(hold_ids([&hold(3), &hold(17)]), ",3,17,");
    }
}
