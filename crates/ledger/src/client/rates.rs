//! The rate of a queue: one row in which the workers claim the jobs that they begin next, one claim after another.
//!
//! A claim of n jobs moves the row's time on by what n jobs take at the rate. So all workers together keep to it, however
//! many they are and whichever of them have jobs, and no clock but the server's counts.

use std::time::Duration;

use mysql_async::params;
use mysql_async::prelude::Queryable;

use crate::Error;
use crate::connection::LedgerClient;

/// Now, in microseconds since 1970. Of UTC: a local time goes back once a year.
const NOW: &str = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))";
/// A clock that is so many microseconds behind the last claim was set back.
const SET_BACK_US: u64 = 1_000_000;

/// The rows of rates; see [`LedgerClient::rates`].
pub struct Rates<'a> {
    pub(super) client: &'a mut LedgerClient,
}

impl Rates<'_> {
    /// Makes the row of a queue, unless it is there.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the row.
    pub async fn make(&mut self, queue: &str) -> Result<(), Error> {
        let insert = format!("INSERT IGNORE INTO {} (queue) VALUES (?)", self.client.database.tables.rate);
        self.client.ask("make the rate's row", async |conn| conn.exec_drop(insert, (queue,)).await).await
    }

    /// Forgets what was claimed under another rate.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn reset(&mut self, queue: &str) -> Result<(), Error> {
        let update = format!(
            "UPDATE {} SET paid_until = 0, claimed = 0 WHERE queue = ?",
            self.client.database.tables.rate
        );
        self.client.ask("reset the rate", async |conn| conn.exec_drop(update, (queue,)).await).await
    }

    /// Claims jobs that take this long at the rate of the queue, and returns after which time they may begin; `None` if that
    /// would be later than `soon`, and nothing is claimed.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn claim(
        &mut self,
        queue: &str,
        take: Duration,
        soon: Duration,
    ) -> Result<Option<Duration>, Error> {
        let update = format!(
            "UPDATE {} SET paid_until = LAST_INSERT_ID(\
             IF(claimed > {NOW} + {SET_BACK_US}, {NOW}, GREATEST(paid_until, {NOW})) + :take), claimed = {NOW} \
             WHERE queue = :queue AND (paid_until < {NOW} + :soon OR claimed > {NOW} + {SET_BACK_US})",
            self.client.database.tables.rate
        );
        let take = microseconds(take);
        let values = params! { "queue" => queue, "take" => take, "soon" => microseconds(soon) };
        self.client
            .ask("claim jobs under the rate", async |conn| {
                conn.exec_drop(update, values).await?;
                if conn.affected_rows() == 0 {
                    return Ok(None);
                }
                let query = format!("SELECT CAST(LAST_INSERT_ID() AS SIGNED) - {take} - {NOW}");
                let wait: Option<i64> = conn.query_first(query).await?;
                Ok(wait.map(|wait| Duration::from_micros(u64::try_from(wait).unwrap_or(0))))
            })
            .await
    }
}

fn microseconds(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 4)
}
