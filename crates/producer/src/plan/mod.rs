//! Telling what a publish would do: the input is read and checked as by a publish, counted, and of some statements the
//! server is asked what it would do for them. Nothing is published or written.

mod repeats;
mod shapes;
mod tally;

use std::sync::Arc;

use queryfleet_config::Config;
use queryfleet_ledger::{Database, LedgerClient};
use queryfleet_sql;
use serde::Serialize;

use crate::check;
use crate::check::rules::Rules;
use crate::check::{Checked, Jobs};
use crate::publish::named;
use crate::range::cut::Cut;
use crate::{Error, PublishRequest};
use repeats::Repeats;
use shapes::{Sample, Shapes};
use tally::Tally;

/// How many refused statements are named.
const NAMED: usize = 20;
/// Bytes of a ledger row on disk: between 44, when jobs end in their order, and 65, when in any (MariaDB 10.11, a
/// million rows).
const LEDGER_ROW: u64 = 55;

/// What a publish would do.
#[derive(Debug, Default, Serialize)]
pub struct Plan {
    /// Jobs that would be published.
    pub jobs: u64,
    /// Bytes of their statements.
    pub bytes: u64,
    /// The same jobs by kind and written table, the most first.
    pub kinds: Vec<Counted>,
    /// Statements that a publish would refuse. With one of them it publishes nothing.
    pub refused: u64,
    /// The first of them, each with file, line, column and reason.
    pub refusals: Vec<String>,
    /// Whether the input could be read to its end.
    pub complete: bool,
    /// Statements that are not atomic, refused ones included, by kind or table.
    pub not_atomic: Vec<Counted>,
    /// UPDATE and DELETE without a WHERE, refused ones included.
    pub no_where: Seen,
    /// The longest statement, in bytes, and where it stands.
    pub largest: Option<(u64, String)>,
    /// How many different statements there are, their literals left out of account; at most 10,000 are told apart.
    pub shapes: u64,
    /// Statements that the server was asked about.
    pub explained: u64,
    /// Shapes of which a statement reads a whole table or index, the first 20.
    pub full_scans: Vec<FullScan>,
    /// Statements that the server would not take, the first 20.
    pub failing: Vec<FailedExplain>,
    /// Rows that would be read, as far as the server's estimates for the explained statements hold for the others of
    /// their shape.
    pub rows: Option<u64>,
    /// UPDATEs and DELETEs with the same table and WHERE as one before.
    pub repeats: Seen,
    /// Whether every UPDATE and DELETE was compared; memory holds a million conditions.
    pub repeats_complete: bool,
    /// Bytes that the ledger will grow by.
    pub ledger_bytes: u64,
}

/// How many, and where the first stands.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Seen {
    /// How many.
    pub count: u64,
    /// `file:line:column` of the first.
    pub first: Option<String>,
}

impl Seen {
    fn add(&mut self, place: impl FnOnce() -> String) {
        self.count += 1;
        self.first.get_or_insert_with(place);
    }
}

/// Jobs of one kind and table.
#[derive(Clone, Debug, Serialize)]
pub struct Counted {
    /// The kind of statement.
    pub kind: String,
    /// The first table that it writes, as it is written there; none for what writes none.
    pub table: Option<String>,
    /// How many, and where the first stands.
    #[serde(flatten)]
    pub seen: Seen,
}

/// A shape of statement that uses no index.
#[derive(Clone, Debug, Serialize)]
pub struct FullScan {
    /// Where one such statement stands.
    pub place: String,
    /// The table, by its name in the statement.
    pub table: String,
    /// Rows of it, by the server's estimate.
    pub rows: u64,
    /// Jobs of this shape.
    pub jobs: u64,
    /// The start of the statement.
    pub statement: String,
}

/// A statement that the server would not take.
#[derive(Clone, Debug, Serialize)]
pub struct FailedExplain {
    /// Where it stands.
    pub place: String,
    /// What the server said.
    pub error: String,
}

/// Reads the whole input of `order` once, in flat memory, and says what publishing it would do. With `explain_all` the
/// server is asked about every statement, else about some 50.
///
/// # Errors
/// When the input or the database cannot be read. What a publish would refuse is no error but in the plan.
pub async fn plan(config: &Config, request: &PublishRequest<'_>, explain_all: bool) -> Result<Plan, Error> {
    let database = Arc::new(Database::new(config)?);
    let mut control = LedgerClient::new(database.clone());
    let rules = Rules::new(config, request, &database, &mut control).await?;
    // Of a table that is yet to be cut: one range of it.
    let inputs = match Cut::of(request, &mut control, &database, rules.mode).await? {
        Some(cut) => vec![cut.sample()?],
        None => request.source.inputs(&mut control, rules.mode).await?,
    };
    let mut planning = Planning {
        plan: Plan::default(),
        rules: &rules,
        kinds: Tally::default(),
        not_atomic: Tally::default(),
        shapes: Shapes::new(database.explainer(request.session_sql)),
        repeats: Repeats::default(),
        explain_all,
    };
    planning.read(Jobs::new(&inputs, &rules)).await?;
    planning.shapes.explain_samples().await?;
    let plan = planning.finish();
    if plan.jobs + plan.refused == 0 {
        return Err(Error::Empty(named(&inputs)));
    }
    Ok(plan)
}

struct Planning<'a> {
    plan: Plan,
    rules: &'a Rules,
    kinds: Tally,
    not_atomic: Tally,
    shapes: Shapes<'a>,
    repeats: Repeats,
    explain_all: bool,
}

impl Planning<'_> {
    async fn read(&mut self, mut jobs: Jobs<'_>) -> Result<(), Error> {
        loop {
            match jobs.next() {
                Ok(Some(checked)) => {
                    let (line, column) = (checked.place.line, checked.place.column);
                    let place = format!("{}:{line}:{column}", jobs.path().display());
                    self.job(checked, place).await?;
                }
                Ok(None) => {
                    self.plan.complete = true;
                    return Ok(());
                }
                Err(error @ (Error::Read { .. } | Error::Foreign { .. })) => return Err(error),
                Err(error) => {
                    let goes_on = error.is_of_a_statement();
                    self.refused(error);
                    if !goes_on {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn job(&mut self, checked: Checked, place: String) -> Result<(), Error> {
        let Checked { job, kind, atomic, .. } = checked;
        let plan = &mut self.plan;
        plan.jobs += 1;
        let bytes = job.sql.len() as u64;
        plan.bytes += bytes;
        if plan.largest.as_ref().is_none_or(|(largest, _)| bytes > *largest) {
            plan.largest = Some((bytes, place.clone()));
        }
        let table = tally::table(&job, self.rules.mode);
        if !atomic {
            self.not_atomic.add(kind.as_str(), table.as_deref(), || place.clone());
        }
        if check::changes_all(kind, &job.sql, self.rules.mode) {
            plan.no_where.add(|| place.clone());
        }
        let shape = queryfleet_sql::shape(&job.sql, self.rules.mode);
        if let (Some(condition), true) = (shape.condition, job.params.is_empty())
            && self.repeats.is_known(table.as_deref(), condition)
        {
            plan.repeats.add(|| place.clone());
        }
        self.kinds.add(kind.as_str(), table.as_deref(), || place.clone());
        let Rules { catalog, mode, .. } = self.rules;
        let explaining = catalog.explaining(kind, &job.sql, job.database.as_deref(), *mode);
        self.shapes.add(shape.shape, Sample { place, job, explaining }, self.explain_all).await
    }

    fn refused(&mut self, error: Error) {
        let plan = &mut self.plan;
        plan.refused += 1;
        match &error {
            Error::NotAtomic { path, line, column, kind, .. } => {
                self.not_atomic.add(kind, None, || format!("{}:{line}:{column}", path.display()));
            }
            Error::NotHeld { path, line, column, reason } => {
                let place = || format!("{}:{line}:{column}", path.display());
                self.not_atomic.add("write", Some(reason.what()), place);
            }
            Error::NoWhere { path, line, column, .. } => {
                plan.no_where.add(|| format!("{}:{line}:{column}", path.display()));
            }
            _ => {}
        }
        if plan.refusals.len() < NAMED {
            plan.refusals.push(queryfleet_job::causes(&error));
        }
    }

    fn finish(self) -> Plan {
        let Planning { plan, kinds, not_atomic, shapes, repeats, .. } = self;
        let (distinct, explained, rows) = (shapes.count(), shapes.explained, shapes.rows());
        let (full_scans, failing) = shapes.found();
        Plan {
            kinds: kinds.sorted(),
            not_atomic: not_atomic.sorted(),
            repeats_complete: repeats.is_complete(),
            ledger_bytes: plan.jobs * LEDGER_ROW,
            shapes: distinct,
            explained,
            rows,
            full_scans,
            failing,
            ..plan
        }
    }
}
