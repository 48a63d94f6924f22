//! Weighs the jobs of a run by their shapes, of which the server is asked about some statements.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use queryfleet_job::{Job, Param};
use queryfleet_ledger::{Access, Beside, Explainer, Explaining};
use queryfleet_sql::{Fingerprint, Kind};

use crate::check::Checked;
use crate::check::rules::RunRules;
use crate::grouping::alone::Alone;
use crate::grouping::known::Known;
use crate::grouping::recent::Recent;
use crate::grouping::weight::Weight;
use crate::notice::Notice;
use crate::seen;

/// A longer statement gains little from company. The server is asked about no longer one either.
const LONG_BYTES: usize = 16 << 10;
/// Shapes that are told apart; the statements of further ones are not grouped.
const MAX_SHAPES: usize = 1000;
/// Questions to the server per publish: at some 0.3 ms, half a second.
const MAX_QUESTIONS: u32 = 2000;
/// How long a question may take; most take less than a millisecond.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(5);
/// A database that could not be asked is asked again after this time, or after ten times what the attempt took: it does not
/// hold publishing up.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// Functions that wait, or are made to take their time.
const WAITING: [&str; 8] = [
    "sleep",
    "benchmark",
    "get_lock",
    "master_pos_wait",
    "master_gtid_wait",
    "source_pos_wait",
    "wait_for_executed_gtid_set",
    "load_file",
];

/// What is known of the run's statements so far.
pub(super) struct Weigher<'a> {
    explainer: Explainer<'a>,
    rules: &'a RunRules,
    shapes: HashMap<u64, Known>,
    recent: Recent,
    questions: u32,
    /// Until then the database is not asked.
    silent_until: Option<Instant>,
    notice: Notice,
}

impl<'a> Weigher<'a> {
    pub(super) fn new(explainer: Explainer<'a>, rules: &'a RunRules) -> Weigher<'a> {
        Weigher {
            explainer,
            rules,
            shapes: HashMap::new(),
            recent: Recent::default(),
            questions: 0,
            silent_until: None,
            notice: Notice::default(),
        }
    }

    /// Weighs a job, or says why it is not grouped. The message that is being filled has `filled` jobs.
    pub(super) async fn weigh(&mut self, checked: &Checked, filled: u64) -> Result<Weight, Alone> {
        let Checked { job, kind, is_atomic, .. } = checked;
        let bytes = job.sql.len() + job.params.iter().map(Param::size).sum::<usize>();
        let alone = if !is_atomic {
            Some(Alone::NotAtomic)
        } else if !matches!(kind, Kind::Insert | Kind::Replace | Kind::Update | Kind::Delete) {
            Some(Alone::OtherKind)
        } else if job.timeout_ms.is_some() {
            Some(Alone::Deadline)
        } else if bytes > LONG_BYTES {
            Some(Alone::Long)
        } else {
            None
        };
        if let Some(alone) = alone {
            return Err(alone);
        }
        let fingerprint = queryfleet_sql::fingerprint(&job.sql, self.rules.statement.mode);
        let shape = digest((fingerprint.statement, &job.database));
        if self.shapes.len() >= MAX_SHAPES && !self.shapes.contains_key(&shape) {
            return Err(Alone::NotExplained);
        }
        if self.shapes.entry(shape).or_default().wants_explaining(bytes) {
            self.explain(shape, job, *kind, bytes).await;
        }
        let known = &self.shapes[&shape];
        let met = self.recent.meets(condition(&fingerprint, job, known.table), filled);
        match known.alone() {
            Some(alone) => Err(alone),
            None if met => Err(Alone::SameRows),
            None => Ok(Weight { time_us: known.time_us(bytes), shape, is_alone: false }),
        }
    }

    /// Learns about a shape from one of its statements, if the database can be asked.
    async fn explain(&mut self, shape: u64, job: &Job, kind: Kind, bytes: usize) {
        let is_silent = self.silent_until.is_some_and(|until| Instant::now() < until);
        if is_silent || self.questions >= MAX_QUESTIONS {
            return;
        }
        self.questions += 1;
        let is_new = self.shapes[&shape].is_new();
        let table = seen::table(job, self.rules.statement.mode);
        let since = Instant::now();
        let answer = tokio::time::timeout(QUESTION_TIMEOUT, self.ask(job, kind, is_new)).await;
        let known = self.shapes.entry(shape).or_default();
        known.table = digest(table);
        let silent = match answer {
            Ok(Ok(Ok(accesses))) => return known.learn(bytes, &accesses),
            Ok(Ok(Err(alone))) => return known.isolate(alone),
            Ok(Err(error)) if error.code().is_some() => return known.isolate(Alone::NotExplained),
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        self.silent_until = Some(Instant::now() + ASK_AGAIN.max(since.elapsed() * 10));
        if let Some(error) = silent {
            self.notice.warn("statements are not grouped", &error);
        }
    }

    /// What the server says of a statement, or why it is not grouped. Of a new shape the tables are looked at, too.
    async fn ask(
        &mut self,
        job: &Job,
        kind: Kind,
        is_new: bool,
    ) -> Result<Result<Vec<Access>, Alone>, queryfleet_ledger::Error> {
        let mode = self.rules.statement.mode;
        if is_new {
            if queryfleet_sql::names(&job.sql, mode).any(|name| WAITING.contains(&&*name.to_lowercase())) {
                return Ok(Err(Alone::Waits));
            }
            let Some(tables) = queryfleet_sql::written_tables(&job.sql, mode) else {
                return Ok(Err(Alone::NotExplained));
            };
            for table in tables {
                match self.explainer.beside(&table, job.database.as_deref()).await? {
                    Beside::Nothing => {}
                    Beside::Cascade if !matches!(kind, Kind::Delete | Kind::Replace) => {}
                    Beside::Triggers | Beside::Cascade => return Ok(Err(Alone::Beside)),
                    Beside::Unknown => return Ok(Err(Alone::NotExplained)),
                }
            }
        }
        let explaining = self.rules.catalog.explaining(kind, &job.sql, job.database.as_deref(), mode);
        if explaining == Explaining::Never {
            return Ok(Err(Alone::NotExplained));
        }
        let accesses = self.explainer.explain(job, explaining == Explaining::ReadOnly).await?;
        Ok(accesses.ok_or(Alone::NotExplained))
    }
}

/// What a job shares with those that change the same rows of a table: its condition, with the values that belong to it.
fn condition(fingerprint: &Fingerprint, job: &Job, table: u64) -> Option<u64> {
    let condition = fingerprint.condition?;
    let values = job.params.len().saturating_sub(fingerprint.condition_placeholders);
    let values: Vec<String> = job.params[values..].iter().map(|value| format!("{value:?}")).collect();
    Some(digest((table, condition, values)))
}

fn digest(of: impl Hash) -> u64 {
    let mut digest = DefaultHasher::new();
    of.hash(&mut digest);
    digest.finish()
}
