//! Holding a queue: no job of it begins, until the hold is lifted or ends by itself.

use std::time::{Duration, Instant};

use queryfleet_ledger::{HoldRow, NewHold, WorkerHolds};

use crate::{Error, Operator};

/// How often the workers' rows are looked at.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// How long workers have to acknowledge a hold: each reads the holds every second, and may have to reconnect first.
pub(crate) const ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a worker has whose row says nothing of holds: it may have begun just now.
pub(crate) const UNAWARE_TIMEOUT: Duration = Duration::from_secs(3);
/// A worker that has been silent for longer than so many heartbeats, and than this time, is not waited for.
const LIVE_HEARTBEATS: u32 = 4;
const LIVE_AT_LEAST: Duration = Duration::from_secs(60);

/// How the workers of the queue stand to a change of its holds or its limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Obedience {
    /// How many of them have acknowledged the change.
    pub acknowledged: usize,
    /// Those that have not, although they know of such: busy, cut off, or frozen.
    pub silent: Vec<String>,
    /// Those of a version that does not: they go on.
    pub unaware: Vec<String>,
    /// How many statements of those that have acknowledged it still run.
    pub running: u32,
    /// How long that took.
    pub took: Duration,
}

impl Obedience {
    /// Whether every worker obeys.
    pub fn is_complete(&self) -> bool {
        self.silent.is_empty() && self.unaware.is_empty()
    }

    pub(crate) fn of(workers: impl IntoIterator<Item = Standpoint>, took: Duration) -> Obedience {
        let mut obedience = Obedience { took, ..Obedience::default() };
        for Standpoint { name, in_flight, has_seen } in workers {
            match has_seen {
                None => obedience.unaware.push(name),
                Some(true) => {
                    obedience.acknowledged += 1;
                    obedience.running += in_flight;
                }
                Some(false) => obedience.silent.push(name),
            }
        }
        obedience
    }
}

/// How one worker stands to a change.
pub(crate) struct Standpoint {
    pub(crate) name: String,
    /// How many of its slots hold a message.
    pub(crate) in_flight: u32,
    /// Whether it has seen the change; `None` of a version that does not know of such.
    pub(crate) has_seen: Option<bool>,
}

impl Standpoint {
    fn to_holds(worker: WorkerHolds, has_seen: impl Fn(&str) -> bool) -> Standpoint {
        let WorkerHolds { name, in_flight, holds } = worker;
        Standpoint { name, in_flight, has_seen: holds.map(|holds| has_seen(&holds)) }
    }
}

/// Which holds are lifted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lift {
    /// Those with these ids; without any, the only one that there is.
    These(Vec<u64>),
    /// All.
    All,
}

impl Operator {
    /// The queue that this operator is responsible for.
    pub fn queue(&self) -> &str {
        &self.config.queue
    }

    /// The holds of the queue that are in force, the oldest first.
    ///
    /// # Errors
    /// [`Error::Ledger`] when the database cannot be asked.
    pub async fn holds(&mut self) -> Result<Vec<HoldRow>, Error> {
        Ok(self.ledger.holds().in_force(&self.config.queue).await?.unwrap_or_default())
    }

    /// Holds the queue, and returns the hold. It is in force for jobs that begin after every worker has seen it: see
    /// [`obedience_to`](Self::obedience_to).
    ///
    /// # Errors
    /// [`Error::NoHolds`] if the tables have none, [`Error::Past`] if it would have ended already; nothing is changed then.
    /// [`Error::Ledger`] when the database fails: [`holds`](Self::holds) says whether it was placed.
    pub async fn pause(&mut self, hold: NewHold<'_>) -> Result<HoldRow, Error> {
        let queue = self.config.queue.clone();
        if self.ledger.holds().in_force(&queue).await?.is_none() {
            return Err(Error::NoHolds);
        }
        self.ledger.holds().remove_expired(&queue).await?;
        let id = self.ledger.holds().place(&NewHold { queue: &queue, ..hold }).await?;
        if let Some(row) = self.holds().await?.into_iter().find(|row| row.hold.id == id) {
            self.note("pause", None, &row.hold.to_string()).await;
            return Ok(row);
        }
        self.ledger.holds().lift(&queue, id).await?;
        Err(Error::Past)
    }

    /// Lifts holds of the queue, and returns those that were lifted.
    ///
    /// # Errors
    /// [`Error::NoHold`] for an id that none in force has, [`Error::SeveralHolds`] if no id is given and there are several:
    /// nothing is lifted then. [`Error::Ledger`] when the database fails.
    pub async fn resume(&mut self, lift: &Lift) -> Result<Vec<HoldRow>, Error> {
        let queue = self.config.queue.clone();
        let in_force = self.holds().await?;
        let lifted: Vec<HoldRow> = match lift {
            Lift::All => in_force,
            Lift::These(ids) if ids.is_empty() && in_force.len() > 1 => {
                return Err(Error::SeveralHolds(in_force.iter().map(|row| row.hold.to_string()).collect()));
            }
            Lift::These(ids) if ids.is_empty() => in_force,
            Lift::These(ids) => {
                if let Some(id) = ids.iter().find(|id| !in_force.iter().any(|row| row.hold.id == **id)) {
                    return Err(Error::NoHold(*id));
                }
                in_force.into_iter().filter(|row| ids.contains(&row.hold.id)).collect()
            }
        };
        let halted = self.ledger.halts().held(&queue).await?;
        for row in &lifted {
            // Before it is lifted: otherwise a worker would place it again.
            if let Some((_, run)) = halted.iter().find(|(id, _)| *id == row.hold.id) {
                let tally = self.ledger.halts().tally(*run).await?;
                self.ledger.halts().set_base(*run, tally).await?;
            }
            self.ledger.holds().lift(&queue, row.hold.id).await?;
            self.note("resume", None, &row.hold.to_string()).await;
        }
        self.ledger.holds().remove_expired(&queue).await?;
        Ok(lifted)
    }

    /// Workers that were heard of within this time are waited for.
    pub(crate) fn live_within(&self) -> Duration {
        LIVE_AT_LEAST.max(self.config.heartbeat_interval * LIVE_HEARTBEATS)
    }

    /// Waits until every live worker of the queue obeys a hold, or, with `lifted`, no longer obeys it; at most ten seconds.
    /// Workers that know of no holds are waited for only shortly.
    ///
    /// # Errors
    /// [`Error::Ledger`] when the database cannot be asked.
    pub async fn obedience_to(&mut self, id: u64, lifted: bool) -> Result<Obedience, Error> {
        let queue = self.config.queue.clone();
        let live = self.live_within();
        let mark = format!(",{id},");
        let since = Instant::now();
        loop {
            let workers = self.ledger.holds().of_workers(&queue, live).await?;
            let has_seen = |holds: &str| holds.contains(&mark) != lifted;
            let workers = workers.into_iter().map(|worker| Standpoint::to_holds(worker, has_seen));
            let obedience = Obedience::of(workers, since.elapsed());
            let is_heard = obedience.silent.is_empty() || since.elapsed() >= ACKNOWLEDGE_TIMEOUT;
            if is_heard && (obedience.unaware.is_empty() || since.elapsed() >= UNAWARE_TIMEOUT) {
                return Ok(obedience);
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(name: &str, holds: Option<&str>) -> WorkerHolds {
        WorkerHolds { name: name.into(), in_flight: 2, holds: holds.map(str::to_owned) }
    }

    #[test]
    fn a_worker_obeys_what_its_row_says() {
        let workers = vec![worker("new", Some(",3,7,")), worker("late", Some(",")), worker("old", None)];
        let workers =
            workers.into_iter().map(|worker| Standpoint::to_holds(worker, |holds| holds.contains(",7,")));
        let obedience = Obedience::of(workers, Duration::ZERO);
        assert_eq!((obedience.acknowledged, obedience.running), (1, 2));
        assert_eq!(
            (obedience.silent.as_slice(), obedience.unaware.as_slice()),
            (&["late".into()][..], &["old".into()][..])
        );
        assert!(!obedience.is_complete());
        assert!(Obedience::default().is_complete());
    }
}
