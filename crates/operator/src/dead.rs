//! Dead jobs: which there are, one of them whole, and giving them up. Bringing them back is [`crate::replay`]'s.

use std::collections::HashMap;

use queryfleet_job::{RunId, shown};
use queryfleet_ledger::{DeadJob, DeadLine, Filter, ReplayableJob};

use crate::shape::message_shape;
use crate::{DeadFilter, Error, Operator, ReplayPreview};

/// Rows that are read at a time, in short.
const LINES_AT_ONCE: u32 = 1000;
/// Rows that are read at a time with their envelopes, each of which may be some MiB.
const JOBS_AT_ONCE: u32 = 20;
/// Groups that are told apart; what dies in a further way is counted with the last of them.
const MAX_GROUPS: usize = 1000;

/// Dead jobs that died the same way: of one run, with one code, and with statements and messages that differ only in
/// their values.
#[derive(Clone, Debug)]
pub struct DeadGroup {
    /// The id of the run; none of messages that are no job.
    pub run: Option<u64>,
    /// Its name.
    pub name: Option<String>,
    /// Why they are dead.
    pub reason: String,
    /// The server's code.
    pub code: Option<u16>,
    /// The server's SQLSTATE.
    pub sql_state: Option<String>,
    /// How many.
    pub jobs: u64,
    /// The message of the first of them.
    pub example: String,
    /// The start of its statement.
    pub statement: Option<String>,
    /// Its place in the run.
    pub seq: Option<u64>,
    /// Where it stands in the input, if that is known.
    pub place: Option<String>,
}

/// One dead job, whole.
#[derive(Clone, Debug)]
pub struct DeadDetails {
    /// How it died.
    pub row: DeadJob,
    /// The name of its run.
    pub name: String,
    /// Where it stands in the input, if that is known: `file:line:column`.
    pub place: Option<String>,
    /// What a replay of it would execute.
    pub replay: ReplayPreview,
}

impl Operator {
    /// The dead jobs that wait for a decision, grouped, the largest groups first.
    ///
    /// # Errors
    /// [`Error::NoRun`], or [`Error::Ledger`] when the database cannot be asked.
    pub async fn dead_groups(&mut self, filter: &DeadFilter) -> Result<Vec<DeadGroup>, Error> {
        let filter = self.ledger_filter(filter).await?;
        let mut groups = Groups::default();
        let mut after = 0;
        loop {
            let lines = self.ledger.dead_jobs().lines(&filter, after, LINES_AT_ONCE).await?;
            let Some(last) = lines.last() else { break };
            after = last.id;
            lines.into_iter().for_each(|line| groups.add(line));
        }
        let mut groups = groups.groups;
        groups.sort_by_key(|group| std::cmp::Reverse(group.jobs));
        for group in &mut groups {
            if let (Some(run), Some(seq)) = (group.run, group.seq) {
                group.place = self.ledger.places().of(RunId(run), &[seq]).await?.remove(&seq);
            }
        }
        Ok(groups)
    }

    /// One dead job.
    ///
    /// # Errors
    /// [`Error::NoRun`], [`Error::NotDead`], or [`Error::Ledger`] when the database cannot be asked.
    pub async fn dead_job(&mut self, run: &str, seq: u64) -> Result<DeadDetails, Error> {
        let id = self.run_id(run).await?;
        let row = self.ledger.dead_jobs().find(Some(id), seq).await?;
        let row = row.ok_or_else(|| Error::NotDead { run: run.to_owned(), seq })?;
        self.details(vec![row]).await?.pop().ok_or_else(|| Error::NotDead { run: run.to_owned(), seq })
    }

    /// Some dead jobs that wait for a decision, in the order of their input, from behind `after`; none when there is no
    /// further one.
    ///
    /// # Errors
    /// [`Error::NoRun`], or [`Error::Ledger`] when the database cannot be asked.
    pub async fn dead_jobs(
        &mut self,
        filter: &DeadFilter,
        after: Option<&DeadDetails>,
    ) -> Result<Vec<DeadDetails>, Error> {
        let filter = self.ledger_filter(filter).await?;
        let after = after.and_then(|details| Some((details.row.run?, details.row.seq?)));
        let rows = self.ledger.dead_jobs().whole(&filter, after.unwrap_or_default(), JOBS_AT_ONCE).await?;
        self.details(rows).await
    }

    /// What there is to know of rows of jobs.
    async fn details(&mut self, rows: Vec<DeadJob>) -> Result<Vec<DeadDetails>, Error> {
        let jobs = rows.iter().filter_map(|row| {
            Some(ReplayableJob {
                id: row.id,
                run: RunId(row.run?),
                seq: row.seq?,
                queue: row.queue.clone(),
                envelope: row.envelope.clone(),
                signature: row.signature.clone(),
            })
        });
        let previews = self.previews(jobs.collect()).await?;
        let mut places = HashMap::new();
        for rows in rows.chunk_by(|a, b| a.run == b.run) {
            let Some(run) = rows[0].run else { continue };
            let seqs: Vec<u64> = rows.iter().filter_map(|row| row.seq).collect();
            let found = self.ledger.places().of(RunId(run), &seqs).await?;
            places.extend(found.into_iter().map(|(seq, place)| ((Some(run), Some(seq)), place)));
        }
        let details = rows.into_iter().zip(previews).map(|(row, (name, replay))| DeadDetails {
            place: places.remove(&(row.run, row.seq)),
            row,
            name,
            replay,
        });
        Ok(details.collect())
    }

    /// Gives dead jobs up, so that nothing brings them back, and returns how many; with `dry_run` it only counts them. `all`
    /// has to be set for an empty filter, which means the dead jobs of all runs.
    ///
    /// # Errors
    /// [`Error::NoFilter`], [`Error::NoRun`], or [`Error::Ledger`] when the database fails; calling it again resumes.
    pub async fn discard(&mut self, filter: &DeadFilter, all: bool, dry_run: bool) -> Result<u64, Error> {
        filter.require_any(all || dry_run)?;
        let filter = self.ledger_filter(filter).await?;
        let mut dead = self.ledger.dead_jobs();
        if dry_run {
            return Ok(dead.discardable(&filter).await?);
        }
        let jobs = dead.discard(&filter).await?;
        if jobs > 0 {
            self.ledger.halts().lower_bases().await?;
            self.note("dead discard", filter.run, &format!("{jobs} jobs")).await;
        }
        Ok(jobs)
    }

    pub(crate) async fn ledger_filter(&mut self, filter: &DeadFilter) -> Result<Filter, Error> {
        let run = match &filter.run {
            Some(name_or_id) => Some(self.run_id(name_or_id).await?),
            None => None,
        };
        Ok(Filter {
            run,
            seq: filter.seq,
            code: filter.code,
            sql_state: filter.sql_state.clone(),
            reason: filter.reason.clone(),
        })
    }

    async fn run_id(&mut self, name_or_id: &str) -> Result<RunId, Error> {
        let run = self.ledger.runs().find(name_or_id).await?;
        Ok(run.ok_or_else(|| Error::NoRun(name_or_id.to_owned()))?.id)
    }
}

/// Groups in the making.
#[derive(Default)]
struct Groups {
    index: HashMap<Key, usize>,
    groups: Vec<DeadGroup>,
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    run: Option<u64>,
    reason: String,
    code: Option<u16>,
    sql_state: Option<String>,
    statement: Option<u64>,
    message: String,
}

impl Groups {
    fn add(&mut self, line: DeadLine) {
        let DeadLine { run, seq, name, reason, code, sql_state, message, statement, .. } = line;
        let key = Key {
            run,
            reason: reason.clone(),
            code,
            sql_state: sql_state.clone(),
            // How a backslash is read makes no difference here worth a question to the server.
            statement: statement
                .as_deref()
                .map(|sql| queryfleet_sql::fingerprint(sql, queryfleet_sql::SqlMode::default()).statement),
            message: message_shape(&message),
        };
        if let Some(at) = self.index.get(&key) {
            let group = &mut self.groups[*at];
            group.jobs += 1;
            if seq < group.seq {
                group.seq = seq;
                group.example = message;
                group.statement = statement.as_deref().map(shown);
            }
        } else if self.groups.len() == MAX_GROUPS {
            self.groups[MAX_GROUPS - 1].jobs += 1;
        } else {
            self.index.insert(key, self.groups.len());
            let statement = statement.as_deref().map(shown);
            let example = message;
            self.groups.push(DeadGroup {
                run,
                name,
                reason,
                code,
                sql_state,
                jobs: 1,
                example,
                statement,
                seq,
                place: None,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_only_in_its_values_is_one_group() {
        let line = |seq, code, message: &str, statement: &str| DeadLine {
            id: seq,
            run: Some(7),
            seq: Some(seq),
            name: Some("job".into()),
            reason: "error".into(),
            code: Some(code),
            sql_state: None,
            message: message.into(),
            statement: Some(statement.into()),
        };
        let mut groups = Groups::default();
        for line in [
            line(2, 1062, "Duplicate entry 'it''s' for key 'PRIMARY'", "INSERT INTO t VALUES (2)"),
            line(1, 1062, "Duplicate entry '1' for key 'PRIMARY'", "INSERT INTO t VALUES (1)"),
            line(3, 1062, "Duplicate entry '1' for key 'PRIMARY'", "INSERT INTO u VALUES (1)"),
            line(4, 1146, "Table 'shop.a' doesn't exist", "UPDATE a SET n = 1"),
            line(5, 1146, "Table 'shop.b' doesn't exist", "UPDATE b SET n = 1"),
            line(6, 1146, "Table 'shop.a' doesn't exist", "UPDATE a SET n = 2"),
        ] {
            groups.add(line);
        }
        let found: Vec<_> = groups.groups.iter().map(|group| (group.seq.unwrap(), group.jobs)).collect();
        assert_eq!(found, [(1, 2), (3, 1), (4, 2), (5, 1)]);
    }
}
