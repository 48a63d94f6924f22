//! What is counted while an input is read.

use queryfleet_job::Job;
use queryfleet_sql::SqlMode;
use serde::Serialize;

/// How many, and where the first stands.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Seen {
    /// How many.
    pub count: u64,
    /// `file:line:column` of the first.
    pub first: Option<String>,
}

impl Seen {
    pub(crate) fn add(&mut self, place: impl FnOnce() -> String) {
        self.count += 1;
        self.first.get_or_insert_with(place);
    }
}

/// The first table that a job writes, with its database where one is named.
pub(crate) fn table(job: &Job, mode: SqlMode) -> Option<String> {
    let tables = queryfleet_sql::written_tables(&job.sql, mode)?;
    let table = tables.first()?;
    Some(match table.database.as_deref().or(job.database.as_deref()) {
        Some(database) => format!("{database}.{}", table.table),
        None => table.table.to_string(),
    })
}
