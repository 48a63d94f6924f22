//! Where the jobs of a run stand in its input: written by the publish, looked up for dead jobs.
//!
//! A block has the places of [`JOBS_PER_BLOCK`] consecutive jobs, as a [`PlaceList`]. They are for people: a ledger or an
//! account without them only knows no places.

use std::collections::BTreeMap;

use mysql_async::prelude::Queryable;
use queryfleet_job::RunId;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::connection::LedgerClient;
use crate::error_code::NO_SUCH_TABLE;
use crate::inspect::rights::DENIED;

/// Jobs of one block.
pub const JOBS_PER_BLOCK: u64 = 4096;

/// Rows per DELETE.
const ROWS_PER_DELETE: u64 = 1000;

/// The places of consecutive jobs. As JSON a list of `[input, [[line, column, jobs, step], …]]`: so many jobs stand in this
/// column, the first on this line, each further one `step` lines below the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceList(Vec<(String, Vec<Stretch>)>);

/// Line, column, jobs, step.
type Stretch = (u64, u64, u64, u64);

impl PlaceList {
    /// Appends the place of the next job.
    pub fn add(&mut self, input: &str, line: u64, column: u64) {
        if self.0.last().is_none_or(|(last, _)| last != input) {
            self.0.push((input.to_owned(), Vec::new()));
        }
        let Some((_, stretches)) = self.0.last_mut() else { return };
        if let Some((first, in_column, jobs, step)) = stretches.last_mut()
            && *in_column == column
        {
            if *jobs == 1 && line >= *first {
                (*jobs, *step) = (2, line - *first);
                return;
            }
            if *first + *jobs * *step == line {
                *jobs += 1;
                return;
            }
        }
        stretches.push((line, column, 1, 0));
    }

    /// `input:line:column` of a job, counted from 0.
    pub fn get(&self, mut index: u64) -> Option<String> {
        for (input, stretches) in &self.0 {
            for (line, column, jobs, step) in stretches {
                if index < *jobs {
                    return Some(format!(
                        "{input}:{}:{column}",
                        line.saturating_add(index.saturating_mul(*step))
                    ));
                }
                index -= jobs;
            }
        }
        None
    }
}

/// The places of jobs; see [`LedgerClient::places`].
pub struct Places<'a> {
    pub(super) client: &'a mut LedgerClient,
}

impl Places<'_> {
    /// Writes blocks of a run, each with its number from 0. A block that is there stays: the same input has the same places.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the statement; not if the table, or the right to it, is missing.
    pub async fn write(&mut self, run: RunId, blocks: &[(u64, PlaceList)]) -> Result<(), Error> {
        let table = &self.client.database.tables.place;
        let insert = format!("INSERT IGNORE INTO {table} (run, block, places) VALUES ({run}, ?, ?)");
        let json = |list| serde_json::to_string(list).unwrap_or_default();
        let values: Vec<(u64, String)> = blocks.iter().map(|(number, list)| (*number, json(list))).collect();
        let written = self
            .client
            .ask("write where jobs stand", async |conn| {
                conn.query_drop("START TRANSACTION").await?;
                conn.exec_batch(insert, values).await?;
                conn.query_drop("COMMIT").await
            })
            .await;
        unless_absent(written)
    }

    /// Deletes those of a run.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn remove(&mut self, run: RunId) -> Result<(), Error> {
        let delete = format!(
            "DELETE FROM {} WHERE run = {run} LIMIT {ROWS_PER_DELETE}",
            self.client.database.tables.place
        );
        loop {
            let deleted = self
                .client
                .ask("delete where jobs stand", async |conn| {
                    conn.query_drop(&delete).await?;
                    Ok(conn.affected_rows())
                })
                .await;
            if unless_absent(deleted)? < ROWS_PER_DELETE {
                return Ok(());
            }
        }
    }

    /// The places of these jobs of a run, as far as they are known.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query; not if the table, or the right to it, is missing.
    pub async fn of(&mut self, run: RunId, seqs: &[u64]) -> Result<BTreeMap<u64, String>, Error> {
        let mut numbers: Vec<u64> = seqs.iter().map(|seq| (seq - 1) / JOBS_PER_BLOCK).collect();
        numbers.dedup();
        let mut places = BTreeMap::new();
        for number in numbers {
            let query = format!(
                "SELECT places FROM {} WHERE run = {run} AND block = {number}",
                self.client.database.tables.place
            );
            let found: Result<Option<String>, Error> =
                self.client.ask("read where jobs stand", async |conn| conn.query_first(query).await).await;
            let Some(json) = unless_absent(found)? else { continue };
            // What cannot be read is of a later version, or nobody's: no place is known then.
            let Ok(list) = serde_json::from_str::<PlaceList>(&json) else { continue };
            let of_block = seqs.iter().filter(|seq| (*seq - 1) / JOBS_PER_BLOCK == number);
            places.extend(of_block.filter_map(|seq| Some((*seq, list.get((seq - 1) % JOBS_PER_BLOCK)?))));
        }
        Ok(places)
    }
}

/// Nothing where there is no table, or no right to it.
fn unless_absent<T: Default>(asked: Result<T, Error>) -> Result<T, Error> {
    match asked {
        Err(error) if error.code().is_some_and(|code| code == NO_SUCH_TABLE || DENIED.contains(&code)) => {
            Ok(T::default())
        }
        asked => asked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_comes_out_as_it_went_in() {
        let places = [
            ("a.sql", 1, 1),
            ("a.sql", 2, 1),
            ("a.sql", 3, 1),
            ("a.sql", 3, 9),
            ("a.sql", 3, 17),
            ("a.sql", 8, 1),
            ("a.sql", 13, 1),
            ("a.sql", 14, 1),
            ("b.sql", 1, 1),
            ("b.sql", 1, 1),
            ("a.sql", 7, 2),
        ];
        let mut list = PlaceList::default();
        places.iter().for_each(|(input, line, column)| list.add(input, *line, *column));
        let json = serde_json::to_string(&list).unwrap();
        assert!(json.starts_with(r#"[["a.sql",[[1,1,3,1],[3,9,1,0],"#), "{json}");
        let list: PlaceList = serde_json::from_str(&json).unwrap();
        for (index, (input, line, column)) in places.iter().enumerate() {
            assert_eq!(list.get(index as u64), Some(format!("{input}:{line}:{column}")), "{json}");
        }
        assert_eq!(list.get(places.len() as u64), None);
    }

    #[test]
    fn a_statement_per_line_takes_no_room() {
        let mut list = PlaceList::default();
        (1..=JOBS_PER_BLOCK).for_each(|line| list.add("a.sql", line, 1));
        assert_eq!(serde_json::to_string(&list).unwrap(), r#"[["a.sql",[[1,1,4096,1]]]]"#);
    }
}
