//! Replacing dead jobs: another run has what is to be executed in their stead.

use std::collections::{BTreeMap, BTreeSet};

use mysql_async::prelude::Queryable;
use queryfleet_job::RunId;

use crate::Error;
use crate::client::dead_jobs::{DeadJobs, list};
use crate::error_code::NO_COLUMN;

/// Jobs per UPDATE.
const JOBS_PER_UPDATE: usize = 1000;

/// Why dead jobs cannot be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReplaced {
    /// There are none.
    NoDeadJobs,
    /// This one is no dead job of the run.
    NotDead(u64),
    /// A replay of this job is under way, or was left in the middle.
    Replaying(u64),
    /// This job was replayed.
    Replayed(u64),
    /// Another run replaces this job.
    Replaced(u64, RunId),
    /// The tables are of a version that knows of no replacing.
    OldTables,
}

/// Seq, state, and the id of the run that replaces it.
type Row = (u64, String, Option<u64>);

impl DeadJobs<'_> {
    /// The jobs of a run that are to be replaced: those that are named, or all dead ones if none is. `by` is the run that
    /// replaces them, if it is there already.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn replaceable(
        &mut self,
        run: RunId,
        named: &BTreeSet<u64>,
        by: Option<RunId>,
    ) -> Result<Result<BTreeSet<u64>, NotReplaced>, Error> {
        let query = self.states(run);
        let rows: Result<Vec<Row>, Error> =
            self.client.ask("read dead jobs", async |conn| conn.query(query).await).await;
        match rows {
            Err(error) if error.code() == Some(NO_COLUMN) => Ok(Err(NotReplaced::OldTables)),
            rows => Ok(judge(&rows?, named, by)),
        }
    }

    /// Discards these jobs of a run, since the run `by` replaces them: all of them, or none if one of them is no longer
    /// dead. A replay takes none of them any more.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses a statement. Nothing is changed then.
    pub async fn replace(
        &mut self,
        run: RunId,
        jobs: &BTreeSet<u64>,
        by: RunId,
    ) -> Result<Result<(), NotReplaced>, Error> {
        // The rows are locked: of a replay and this, one comes first, and the other finds nothing to take.
        let lock = format!("{} FOR UPDATE", self.states(run));
        let dead = self.client.database.tables.dead.clone();
        let seqs: Vec<u64> = jobs.iter().copied().collect();
        loop {
            let replaced = self
                .client
                .ask("replace dead jobs", async |conn| {
                    conn.query_drop("START TRANSACTION").await?;
                    let rows: Vec<Row> = conn.query(&lock).await?;
                    if let Err(why) = judge(&rows, jobs, Some(by)) {
                        conn.query_drop("ROLLBACK").await?;
                        return Ok(Err(why));
                    }
                    for seqs in seqs.chunks(JOBS_PER_UPDATE) {
                        let update = format!(
                            "UPDATE {dead} SET state = 'discarded', replaced_by = {by} WHERE run = {run} AND seq IN ({})",
                            list(seqs)
                        );
                        conn.query_drop(update).await?;
                    }
                    conn.query_drop("COMMIT").await?;
                    Ok(Ok(()))
                })
                .await;
            match replaced {
                Err(error) if error.is_deadlock() => {}
                replaced => return replaced,
            }
        }
    }

    fn states(&self, run: RunId) -> String {
        let dead = &self.client.database.tables.dead;
        format!(
            "SELECT seq, CAST(state AS CHAR), replaced_by FROM {dead} WHERE run = {run} AND seq IS NOT NULL"
        )
    }
}

/// What is to be replaced, by the dead rows of the run.
fn judge(rows: &[Row], named: &BTreeSet<u64>, by: Option<RunId>) -> Result<BTreeSet<u64>, NotReplaced> {
    let is_ours = |found: Option<u64>| found.is_some() && found == by.map(|by| by.0);
    if named.is_empty() {
        if let Some((seq, ..)) = rows.iter().find(|(_, state, _)| state == "replaying") {
            return Err(NotReplaced::Replaying(*seq));
        }
        let is_one = |(_, state, found): &&Row| state == "dead" || state == "discarded" && is_ours(*found);
        let all: BTreeSet<u64> = rows.iter().filter(is_one).map(|(seq, ..)| *seq).collect();
        return if all.is_empty() { Err(NotReplaced::NoDeadJobs) } else { Ok(all) };
    }
    let rows: BTreeMap<u64, (&str, Option<u64>)> =
        rows.iter().map(|(seq, state, found)| (*seq, (state.as_str(), *found))).collect();
    for seq in named {
        match rows.get(seq) {
            Some(("dead", _) | ("discarded", None)) => {}
            Some(("discarded", found)) if is_ours(*found) => {}
            Some(("discarded", Some(other))) => return Err(NotReplaced::Replaced(*seq, RunId(*other))),
            Some(("replaying", _)) => return Err(NotReplaced::Replaying(*seq)),
            Some(("replayed", _)) => return Err(NotReplaced::Replayed(*seq)),
            _ => return Err(NotReplaced::NotDead(*seq)),
        }
    }
    Ok(named.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_executed_elsewhere_is_not_replaced() {
        let row = |seq, state: &str, by| (seq, state.to_owned(), by);
        let rows = [
            row(1, "dead", None),
            row(2, "discarded", None),
            row(3, "discarded", Some(8)),
            row(4, "discarded", Some(9)),
            row(5, "replayed", None),
        ];
        let judge = |rows: &[Row], named: &[u64], by: Option<u64>| {
            let judged = super::judge(rows, &named.iter().copied().collect(), by.map(RunId));
            judged.map(|jobs| jobs.into_iter().collect::<Vec<_>>())
        };
        for (named, by, expected) in [
            (&[1, 2][..], None, Ok(vec![1, 2])),
            // The publish is resumed.
            (&[1, 3], Some(8), Ok(vec![1, 3])),
            (&[1, 3], None, Err(NotReplaced::Replaced(3, RunId(8)))),
            (&[1, 4], Some(8), Err(NotReplaced::Replaced(4, RunId(9)))),
            (&[1, 5], Some(8), Err(NotReplaced::Replayed(5))),
            (&[6], Some(8), Err(NotReplaced::NotDead(6))),
            // None is named.
            (&[], None, Ok(vec![1])),
            (&[], Some(8), Ok(vec![1, 3])),
        ] {
            assert_eq!(judge(&rows, named, by), expected, "{named:?} {by:?}");
        }
        assert_eq!(judge(&rows[1..], &[], Some(7)), Err(NotReplaced::NoDeadJobs));
        let replaying = [row(1, "dead", None), row(2, "replaying", None)];
        assert_eq!(judge(&replaying, &[1], None), Ok(vec![1]));
        for named in [&[2][..], &[]] {
            assert_eq!(judge(&replaying, named, None), Err(NotReplaced::Replaying(2)), "{named:?}");
        }
    }
}
