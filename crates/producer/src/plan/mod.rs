//! Planning: the input is read and checked as by a publish, and counted, and the server is asked what it would do for some
//! of the statements. Nothing is published or written.

mod repeats;
pub(crate) mod report;
mod shapes;
mod tally;

use std::sync::Arc;

use queryfleet_config::Config;
use queryfleet_ledger::{Database, LedgerClient};

use crate::check::rules::RunRules;
use crate::check::statement::changes_all_rows;
use crate::check::{Checked, Jobs};
use crate::grouping::Grouping;
use crate::plan::repeats::Repeats;
use crate::plan::report::Plan;
use crate::plan::shapes::{Sample, Shapes};
use crate::plan::tally::Tally;
use crate::problem::Problem;
use crate::publish::source::OpenSource;
use crate::{Error, PublishRequest, seen};

/// Refused statements that are named.
const NAMED_REFUSALS: usize = 20;
/// Bytes of a ledger row on disk: between 44, when jobs end in their order, and 65, when in any (MariaDB 10.11, a
/// million rows).
const LEDGER_ROW_BYTES: u64 = 55;

/// Reads the whole input of a request once, in flat memory, and says what publishing it would do. With `explain_all` the
/// server is asked about every statement, else about some 50.
///
/// # Errors
/// Returns an error if the input cannot be read, or if the database fails. What a publish would refuse is in the plan.
pub async fn plan(config: &Config, request: &PublishRequest<'_>, explain_all: bool) -> Result<Plan, Error> {
    let database = Arc::new(Database::new(config)?);
    let mut client = LedgerClient::new(database.clone());
    let rules = RunRules::load(config, request, &database, &mut client).await?;
    let source = OpenSource::open(request, &mut client, &database, rules.statement.mode).await?;
    let mut planning = Planning {
        plan: Plan::default(),
        rules: &rules,
        kinds: Tally::default(),
        not_atomic: Tally::default(),
        shapes: Shapes::new(database.explainer(request.session_sql)),
        repeats: Repeats::default(),
        // How many jobs there are is known at the end.
        grouping: Grouping::new(
            request.chunk,
            None,
            u64::MAX,
            database.explainer(request.session_sql),
            &rules,
        ),
        explain_all,
    };
    planning.read(Jobs::new(source.inputs(), &rules)).await?;
    planning.shapes.explain_samples().await?;
    let plan = planning.finish();
    if plan.jobs + plan.refused == 0 {
        return Err(Error::Empty(source.names()));
    }
    Ok(plan)
}

/// Jobs that are looked at before other tasks have a turn.
const JOBS_PER_YIELD: u64 = 1000;

struct Planning<'a> {
    plan: Plan,
    rules: &'a RunRules,
    kinds: Tally,
    not_atomic: Tally,
    shapes: Shapes<'a>,
    repeats: Repeats,
    grouping: Grouping<'a>,
    explain_all: bool,
}

impl Planning<'_> {
    async fn read(&mut self, mut jobs: Jobs<'_>) -> Result<(), Error> {
        loop {
            match jobs.next() {
                Ok(Some(checked)) => {
                    let place = jobs.location(checked.place).to_string();
                    self.add_job(checked, place).await?;
                    if self.plan.jobs.is_multiple_of(JOBS_PER_YIELD) {
                        // Nothing else in this loop waits, and Ctrl-C is to be noticed.
                        tokio::task::yield_now().await;
                    }
                }
                Ok(None) => {
                    self.plan.complete = true;
                    return Ok(());
                }
                Err(error @ (Error::Read { .. } | Error::Foreign { .. })) => return Err(error),
                Err(error) => {
                    let can_continue = matches!(error, Error::Statement { .. });
                    self.add_refusal(error);
                    if !can_continue {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn add_job(&mut self, checked: Checked, place: String) -> Result<(), Error> {
        let weighed = self.grouping.weigh(&checked).await;
        let weight = self.grouping.note(weighed, || place.clone());
        self.grouping.fill(weight);
        let Checked { job, kind, is_atomic, .. } = checked;
        let mode = self.rules.statement.mode;
        let plan = &mut self.plan;
        plan.jobs += 1;
        let bytes = job.sql.len() as u64;
        plan.bytes += bytes;
        if plan.largest.as_ref().is_none_or(|(largest, _)| bytes > *largest) {
            plan.largest = Some((bytes, place.clone()));
        }
        let table = seen::table(&job, mode);
        if !is_atomic {
            self.not_atomic.add(kind.as_str(), table.as_deref(), || place.clone());
        }
        if changes_all_rows(kind, &job.sql, mode) {
            plan.no_where.add(|| place.clone());
        }
        let fingerprint = queryfleet_sql::fingerprint(&job.sql, mode);
        if let (Some(condition), true) = (fingerprint.condition, job.params.is_empty())
            && self.repeats.is_known(table.as_deref(), condition)
        {
            plan.repeats.add(|| place.clone());
        }
        self.kinds.add(kind.as_str(), table.as_deref(), || place.clone());
        let explaining = self.rules.catalog.explaining(kind, &job.sql, job.database.as_deref(), mode);
        self.shapes.add(fingerprint.statement, Sample { place, job, explaining }, self.explain_all).await
    }

    fn add_refusal(&mut self, error: Error) {
        let plan = &mut self.plan;
        plan.refused += 1;
        if let Error::Statement { at, problem } = &error {
            match problem {
                Problem::NotAtomic { kind, .. } => self.not_atomic.add(kind, None, || at.to_string()),
                Problem::NotHeld(reason) => {
                    self.not_atomic.add("write", Some(reason.what()), || at.to_string());
                }
                Problem::NoWhere { .. } => plan.no_where.add(|| at.to_string()),
                _ => {}
            }
        }
        if plan.refusals.len() < NAMED_REFUSALS {
            plan.refusals.push(error);
        }
    }

    fn finish(self) -> Plan {
        let Planning { plan, kinds, not_atomic, shapes, repeats, grouping, .. } = self;
        let distinct = shapes.count();
        let explained = shapes.explained;
        let rows = shapes.rows();
        let (full_scans, failing) = shapes.into_findings();
        Plan {
            kinds: kinds.sorted(),
            not_atomic: not_atomic.sorted(),
            repeats_complete: repeats.is_complete(),
            ledger_bytes: plan.jobs * LEDGER_ROW_BYTES,
            shapes: distinct,
            explained,
            rows,
            full_scans,
            failing,
            chunks: Some(grouping.into_chunks().spread(plan.jobs)),
            ..plan
        }
    }
}
