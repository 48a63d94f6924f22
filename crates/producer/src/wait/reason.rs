//! Why a run does not move: one pure function of what the servers say.

use std::fmt;
use std::time::Duration;

use queryfleet_ledger::RunningStatement;

/// A statement that runs for less is no reason.
const LONG_STATEMENT_S: u64 = 3;

/// Why a run does not move, or moves slowly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The database cannot be asked.
    DatabaseUnavailable {
        /// For how long.
        since: Duration,
    },
    /// The broker cannot be asked.
    BrokerUnavailable {
        /// For how long.
        since: Duration,
    },
    /// Somebody holds the queue.
    Held {
        /// The hold, in words.
        hold: String,
    },
    /// The limit of the queue lets nothing begin.
    Limited {
        /// The limit, in words.
        limit: String,
    },
    /// No slot takes messages from the queue.
    NoWorker {
        /// The queue.
        queue: String,
    },
    /// A statement runs for long.
    Running {
        /// The one that has been running for longest.
        statement: RunningStatement,
    },
    /// All that is left waits in retry tiers.
    Retrying {
        /// Messages in retry tiers, of all runs of the queue.
        messages: u64,
        /// One of them is due within this time.
        within: Option<Duration>,
    },
    /// Messages of other runs are in the queue.
    Behind {
        /// At least so many.
        messages: u64,
        /// The newest of these runs, as far as they are known; in words.
        runs: Vec<String>,
    },
    /// The broker counts consumers that are of no live worker: what they have taken is seen nowhere.
    OtherConsumers {
        /// The consumers of the queue.
        consumers: u32,
        /// The slots of its workers.
        slots: u32,
    },
}

/// What the servers say of a run that has not moved lately. What could not be asked is `None`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) queue: String,
    pub(crate) database_unavailable: Option<Duration>,
    pub(crate) broker_unavailable: Option<Duration>,
    /// Jobs of the run that have not ended.
    pub(crate) left: u64,
    pub(crate) work: u64,
    pub(crate) retry: u64,
    pub(crate) retry_within: Option<Duration>,
    pub(crate) consumers: u32,
    /// Slots of live workers.
    pub(crate) slots: Option<u32>,
    pub(crate) holds: Vec<String>,
    pub(crate) limit: Option<String>,
    pub(crate) running: Option<RunningStatement>,
}

/// The first of the reasons that hold: what must end before anything else can happen comes first.
pub(crate) fn reason(facts: &Facts) -> Option<Reason> {
    if let Some(since) = facts.database_unavailable {
        return Some(Reason::DatabaseUnavailable { since });
    }
    if let Some(since) = facts.broker_unavailable {
        return Some(Reason::BrokerUnavailable { since });
    }
    if let Some(hold) = facts.holds.first() {
        return Some(Reason::Held { hold: hold.clone() });
    }
    if facts.consumers == 0
        && facts.work > 0
        && let Some(limit) = &facts.limit
    {
        return Some(Reason::Limited { limit: limit.clone() });
    }
    if facts.consumers == 0 && facts.work > 0 {
        return Some(Reason::NoWorker { queue: facts.queue.clone() });
    }
    if let Some(statement) = facts.running.clone().filter(|running| running.seconds >= LONG_STATEMENT_S) {
        return Some(Reason::Running { statement });
    }
    if facts.work == 0 && facts.retry > 0 {
        return Some(Reason::Retrying { messages: facts.retry, within: facts.retry_within });
    }
    if facts.work == 0
        && let Some(slots) = facts.slots.filter(|slots| *slots < facts.consumers)
    {
        return Some(Reason::OtherConsumers { consumers: facts.consumers, slots });
    }
    // A message has at least one job.
    let others = facts.work.saturating_sub(facts.left);
    (others > 0).then_some(Reason::Behind { messages: others, runs: Vec::new() })
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::DatabaseUnavailable { since } => {
                write!(f, "database unavailable for {} s", since.as_secs())
            }
            Reason::BrokerUnavailable { since } => write!(f, "broker unavailable for {} s", since.as_secs()),
            Reason::Held { hold } => write!(f, "the queue is held: {hold}"),
            Reason::Limited { limit } => write!(f, "the queue is limited: {limit}"),
            Reason::NoWorker { queue } => write!(f, "no worker serves queue {queue}"),
            Reason::Running {
                statement: RunningStatement { seq, connection, client, seconds, blocked_by, .. },
            } => {
                write!(
                    f,
                    "job {seq} has been running for {seconds} s on connection {connection} of {client}"
                )?;
                match blocked_by {
                    Some(blocker) => write!(f, ", waiting for a row lock of connection {blocker}"),
                    None => Ok(()),
                }
            }
            Reason::Retrying { messages, within } => {
                match messages {
                    1 => f.write_str("1 message waits for a retry")?,
                    _ => write!(f, "{messages} messages wait for a retry")?,
                }
                match within {
                    Some(within) => write!(f, ", the next is due within {} s", within.as_secs_f64()),
                    None => Ok(()),
                }
            }
            Reason::Behind { messages, runs } => {
                match messages {
                    1 => f.write_str("behind 1 message of another run")?,
                    _ => write!(f, "behind {messages} messages of other runs")?,
                }
                if runs.is_empty() { Ok(()) } else { write!(f, " ({})", runs.join("; ")) }
            }
            Reason::OtherConsumers { consumers, slots } => write!(
                f,
                "the broker counts {consumers} consumers, and live workers have {slots} of them: the others may hold messages"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use queryfleet_job::RunId;

    use super::*;

    #[test]
    fn the_first_reason_that_holds_is_given() {
        let running = |seconds, blocked_by| {
            let client = "worker-1:24970".to_owned();
            Some(RunningStatement {
                run: RunId(1),
                seq: 5,
                connection: 12,
                client,
                seconds,
                text: String::new(),
                blocked_by,
            })
        };
        let moving = Facts { queue: "default".into(), left: 10, work: 10, consumers: 4, ..Facts::default() };
        let all = Facts {
            database_unavailable: Some(Duration::from_secs(12)),
            broker_unavailable: Some(Duration::from_secs(3)),
            holds: vec!["hold 1 by a: lag".into()],
            limit: Some("40 slots".into()),
            work: 20,
            consumers: 0,
            running: running(48, Some(81)),
            ..moving.clone()
        };
        let mut facts = all.clone();
        let mut said = Vec::new();
        // Each reason is taken away once it was given.
        for take in [
            (|facts| facts.database_unavailable = None) as fn(&mut Facts),
            |facts| facts.broker_unavailable = None,
            |facts| facts.holds.clear(),
            |facts| facts.limit = None,
            |facts| facts.consumers = 4,
            |facts| facts.running = None,
            |facts| facts.work = 11,
            |facts| {
                (facts.work, facts.retry, facts.retry_within) = (0, 7, Some(Duration::from_secs(10)));
            },
            |facts| (facts.retry, facts.retry_within) = (1, None),
            |facts| (facts.retry, facts.slots) = (0, Some(3)),
            |facts| facts.slots = Some(4),
        ] {
            said.push(reason(&facts).map(|reason| reason.to_string()).unwrap_or_default());
            take(&mut facts);
        }
        assert_eq!(
            said,
            [
                "database unavailable for 12 s",
                "broker unavailable for 3 s",
                "the queue is held: hold 1 by a: lag",
                "the queue is limited: 40 slots",
                "no worker serves queue default",
                "job 5 has been running for 48 s on connection 12 of worker-1:24970, waiting for a row lock of connection 81",
                "behind 10 messages of other runs",
                "behind 1 message of another run",
                "7 messages wait for a retry, the next is due within 10 s",
                "1 message waits for a retry",
                "the broker counts 4 consumers, and live workers have 3 of them: the others may hold messages",
            ]
        );
        assert_eq!(reason(&facts), None);
        let behind = Reason::Behind { messages: 3, runs: vec!["big1, cancelled".into(), "big2".into()] };
        assert_eq!(behind.to_string(), "behind 3 messages of other runs (big1, cancelled; big2)");
        assert_eq!(reason(&Facts { running: running(2, None), ..moving }), None, "it is short");
    }
}
