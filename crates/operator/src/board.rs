//! The fleet of one queue at one moment, as a person watches it.

use std::time::Duration;

use queryfleet_ledger::{Event, HoldRow, RunningStatement, Standing};

use crate::{Error, LimitStanding, Operator, QueueStanding, WorkerStanding};

/// The most runs that are shown: open ones are counted in the ledger.
const MOST_RUNS: u32 = 20;
/// How far back, and how many, events are shown.
const EVENTS_SINCE: Duration = Duration::from_secs(24 * 3600);
const MOST_EVENTS: u32 = 50;

/// How a run stands, and how fast it is.
#[derive(Clone, Debug)]
pub struct RunProgress {
    /// How it stands.
    pub standing: Standing,
    /// Jobs that have ended per second, in the last minute; only of a run that is open.
    pub per_second: Option<f64>,
}

impl RunProgress {
    /// When all of it will have ended at this rate, in seconds; `None` if that cannot be said.
    pub fn left_s(&self) -> Option<u64> {
        let total = self.standing.run.total?;
        let rate = self.per_second.filter(|rate| *rate > 0.0)?;
        Some((total.saturating_sub(self.standing.counts.ended()) as f64 / rate) as u64)
    }
}

/// The fleet of one queue at one moment.
#[derive(Clone, Debug)]
pub struct Board {
    /// What waits, and who serves it.
    pub queue: QueueStanding,
    /// The holds in force, the oldest first.
    pub holds: Vec<HoldRow>,
    /// The limit; `None`: the tables have none.
    pub limit: Option<LimitStanding>,
    /// Why the limit cannot be read: workers that cannot read it either begin nothing.
    pub unreadable_limit: Option<String>,
    /// The workers; none if the tables were made by a version that knew less of them.
    pub workers: Vec<WorkerStanding>,
    /// Runs of the queue, at most twenty: those that are open, then the others, each newest first.
    pub runs: Vec<RunProgress>,
    /// The statements that run now, the longest first, as far as this account may see them.
    pub running: Vec<RunningStatement>,
    /// What people have done in the last day, the newest first.
    pub events: Vec<Event>,
}

impl Operator {
    /// Keeps its connection to the broker between two questions, for one who asks every second.
    #[must_use]
    pub fn watching(mut self) -> Operator {
        self.keeps_broker = true;
        self
    }

    /// Looks at the fleet once. What is not done of open runs is counted in the ledger, 30 ms per hundred thousand jobs: whoever
    /// looks again and again leaves the database nine times as long alone as this took.
    ///
    /// # Errors
    /// [`Error::Ledger`] when the database cannot be asked.
    pub async fn board(&mut self) -> Result<Board, Error> {
        let queue = self.queue_standing().await?;
        let holds = self.holds().await?;
        let (limit, unreadable_limit) = match self.limit().await {
            Ok(limit) => (Some(limit), None),
            Err(Error::NoLimits) => (None, None),
            Err(error @ Error::Limit(_)) => (None, Some(queryfleet_job::causes(&error))),
            Err(error) => return Err(error),
        };
        let workers = match self.workers().await {
            Err(Error::NoLimits) => Vec::new(),
            workers => workers?,
        };
        let runs = self.ledger.runs().open_first(&self.config.queue, MOST_RUNS).await?;
        let mut standings = self.standings(runs).await?;
        standings.sort_by_key(|standing| standing.status().is_over());
        let mut progress = Vec::with_capacity(standings.len());
        for standing in standings {
            progress.push(self.progress(standing).await?);
        }
        let running = self.ledger.inspect().running().await?;
        let events = self.events(None, EVENTS_SINCE, MOST_EVENTS).await?;
        Ok(Board { queue, holds, limit, unreadable_limit, workers, runs: progress, running, events })
    }

    pub(crate) async fn progress(&mut self, standing: Standing) -> Result<RunProgress, Error> {
        let per_second = match standing.status().is_over() {
            false => Some(self.ledger.jobs().ended_lately(standing.run.id).await? as f64 / 60.0),
            true => None,
        };
        Ok(RunProgress { standing, per_second })
    }
}
