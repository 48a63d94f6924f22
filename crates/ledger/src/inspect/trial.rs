//! Trying how long a statement takes, without any effect.

use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable;
use queryfleet_job::Job;

use crate::session::bind;
use crate::{Database, Error};

impl Database {
    /// Runs the statement of a job in a transaction, rolls it back, and returns how long the statement took. After
    /// `limit` it is killed, and that is the answer. The caller has made sure that it is atomic, and that every table it
    /// changes knows transactions.
    ///
    /// # Errors
    /// If the database cannot be reached, or refuses the session SQL or the statement.
    pub async fn trial(
        &self,
        session_sql: Option<&str>,
        job: &Job,
        limit: Duration,
    ) -> Result<Duration, Error> {
        let failed = Error::query("try the statement of the ranges");
        let (mut conn, facts) = self.connect(session_sql).await?;
        let statement = bind::statement(job, facts.sql_mode).map_err(Error::Schema)?;
        conn.query_drop("START TRANSACTION").await.map_err(&failed)?;
        let began = Instant::now();
        let statement = format!("/* queryfleet trial */ {statement}");
        match tokio::time::timeout(limit, conn.query_drop(statement)).await {
            // Dropped, the connection ends, and the server rolls back.
            Ok(Err(source)) => return Err(failed(source)),
            Ok(Ok(())) => {}
            Err(_) => {
                self.kill(&facts, limit).await?;
                return Ok(limit);
            }
        }
        let took = began.elapsed();
        match tokio::time::timeout(limit, conn.query_drop("ROLLBACK")).await {
            Ok(result) => result.map_err(&failed)?,
            Err(_) => self.kill(&facts, limit).await?,
        }
        Ok(took)
    }
}
