//! The world around the pure functions: broker, database, two workers, a producer.

use std::time::Duration;

use queryfleet_job::settle::settle;
use queryfleet_job::{
    DeadReason, Failure, Gate, Hold, LedgerState, Outcome, RetryPolicy, Settlement, Spent, gate,
    read_conflict,
};

const WORKERS: usize = 2;
/// Deliveries that a message may have before the broker dead-letters it.
const DELIVERY_LIMIT: u8 = 1;
const PRESSURE_TIMEOUT: Duration = Duration::from_secs(1);

fn policy() -> RetryPolicy {
    RetryPolicy { max_attempts: 2, tiers: 1, tries_here: 1, pressure_timeout: PRESSURE_TIMEOUT }
}

/// How large the world may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Bounds {
    pub(crate) jobs: u8,
    /// How often the producer publishes each job: twice when it was interrupted and resumed.
    pub(crate) publishes: u8,
    /// Crashes, lost connections and failed publishes in all.
    pub(crate) faults: u8,
    /// Whether the jobs change something as well that no rollback undoes, whatever becomes of their transactions.
    pub(crate) remains: bool,
    /// How often somebody holds the queue, with and without ending what runs.
    pub(crate) holds: u8,
}

/// Broken variants, to see that the model can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Rules {
    pub(crate) ack_before_copy: bool,
    pub(crate) ack_before_commit: bool,
    pub(crate) ignore_ledger: bool,
    /// What remains is not told from what is rolled back.
    pub(crate) ignore_remains: bool,
    /// A job of which nobody knows what it left is given back when its row is locked.
    pub(crate) give_unknown_back: bool,
    /// A worker asks the gate before it takes a message, and not before it begins its job.
    pub(crate) ignore_gate: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Message {
    job: u8,
    attempts: u8,
    deliveries: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Idle,
    /// Before an attempt.
    Holding(Message),
    /// Its transaction is open on the server.
    Sent(Message),
    /// Publishes a copy, then acknowledges.
    Copying(Message, Message),
    /// Writes it off as dead, then acknowledges. What is unknown is not given back while that cannot be done.
    Burying(Message, DeadReason),
    Acknowledging(Message),
}

/// The whole state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    bounds: Bounds,
    rules: Rules,
    ready: Vec<Message>,
    dead_queue: Vec<Message>,
    workers: [Phase; WORKERS],
    /// Whether the worker's message is still its own: a lost connection has given it back to the queue.
    attached: [bool; WORKERS],
    /// The open transaction on each job's ledger row: whose, `None` when its client is gone.
    open: Vec<Option<Option<usize>>>,
    ledger: Vec<Option<LedgerState>>,
    effects: Vec<u8>,
    /// How often each job has changed what no rollback undoes.
    remains: Vec<u8>,
    published: Vec<u8>,
    faults: u8,
    /// The hold in force: whether it ends what runs.
    hold: Option<bool>,
    /// The hold that each worker has seen.
    seen: [Option<bool>; WORKERS],
    holds: u8,
    /// A job has begun on a worker that had seen a hold.
    has_begun_held: bool,
}

impl World {
    pub(crate) fn new(bounds: Bounds, rules: Rules) -> World {
        let jobs = usize::from(bounds.jobs);
        World {
            bounds,
            rules,
            ready: Vec::new(),
            dead_queue: Vec::new(),
            workers: [Phase::Idle; WORKERS],
            attached: [true; WORKERS],
            open: vec![None; jobs],
            ledger: vec![None; jobs],
            effects: vec![0; jobs],
            remains: vec![0; jobs],
            published: vec![0; jobs],
            faults: 0,
            hold: None,
            seen: [None; WORKERS],
            holds: 0,
            has_begun_held: false,
        }
    }

    /// Two effects, or an effect and no row that says so, or a row without its effect.
    pub(crate) fn is_doubled(&self) -> bool {
        self.remains.iter().any(|times| *times > 1)
            || self
                .effects
                .iter()
                .zip(&self.ledger)
                .any(|(effects, state)| *effects != u8::from(*state == Some(LedgerState::Done)))
    }

    /// A job that has begun under a hold, or a hold that has cost a delivery.
    pub(crate) fn has_broken_a_hold(&self) -> bool {
        let messages = || self.ready.iter().chain(&self.dead_queue);
        self.has_begun_held || self.faults == 0 && messages().any(|message| message.deliveries > 0)
    }

    /// What a worker may do, by the function that it runs.
    fn gate(&self, worker: usize) -> Gate {
        let hold = |ends_running| Hold { id: 1, by: String::new(), because: String::new(), ends_running };
        gate(self.seen[worker].map(hold).as_slice(), None)
    }

    /// Nothing is left to do.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.ready.is_empty()
            && self.dead_queue.is_empty()
            && self.workers.iter().all(|phase| *phase == Phase::Idle)
            && self.open.iter().all(Option::is_none)
            && self.published.iter().all(|times| *times > 0)
    }

    /// A job without a ledger row.
    pub(crate) fn has_lost(&self) -> bool {
        self.ledger.iter().any(Option::is_none)
    }

    /// Every state that one step leads to.
    pub(crate) fn steps(&self) -> Vec<World> {
        let mut steps = Vec::new();
        for job in 0..self.bounds.jobs {
            self.publish(job, &mut steps);
            self.orphan(usize::from(job), &mut steps);
        }
        self.collect(&mut steps);
        self.hold(&mut steps);
        for worker in 0..WORKERS {
            if self.seen[worker] != self.hold {
                self.then(|world| world.seen[worker] = world.hold, &mut steps);
            }
            self.work(worker, &mut steps);
            self.fault(worker, &mut steps);
        }
        for world in &mut steps {
            world.ready.sort_unstable();
            world.dead_queue.sort_unstable();
        }
        steps
    }

    fn then(&self, change: impl FnOnce(&mut World), steps: &mut Vec<World>) {
        let mut world = self.clone();
        change(&mut world);
        steps.push(world);
    }

    fn publish(&self, job: u8, steps: &mut Vec<World>) {
        if self.published[usize::from(job)] < self.bounds.publishes {
            self.then(
                |world| {
                    world.published[usize::from(job)] += 1;
                    world.ready.push(Message { job, attempts: 0, deliveries: 0 });
                },
                steps,
            );
        }
    }

    /// Somebody holds the queue, or lifts the hold.
    fn hold(&self, steps: &mut Vec<World>) {
        if self.hold.is_some() {
            self.then(|world| world.hold = None, steps);
        } else if self.holds < self.bounds.holds {
            for ends_running in [false, true] {
                self.then(
                    |world| {
                        world.holds += 1;
                        world.hold = Some(ends_running);
                    },
                    steps,
                );
            }
        }
    }

    /// The server finishes the transaction of a client that is gone, one way or the other.
    fn orphan(&self, job: usize, steps: &mut Vec<World>) {
        if self.open[job] == Some(None) {
            self.then(|world| world.commit(job), steps);
            self.then(|world| world.open[job] = None, steps);
        }
    }

    fn commit(&mut self, job: usize) {
        self.open[job] = None;
        self.ledger[job] = Some(LedgerState::Done);
        self.effects[job] += 1;
    }

    /// The collector moves a dead letter into the table of dead jobs; it may also die before it acknowledges.
    fn collect(&self, steps: &mut Vec<World>) {
        for (index, message) in self.dead_queue.iter().enumerate() {
            let job = usize::from(message.job);
            if self.open[job].is_some() {
                continue;
            }
            self.then(
                |world| {
                    world.ledger[job].get_or_insert(LedgerState::Dead);
                    world.dead_queue.remove(index);
                },
                steps,
            );
            self.then(|world| _ = world.ledger[job].get_or_insert(LedgerState::Dead), steps);
        }
    }

    fn work(&self, worker: usize, steps: &mut Vec<World>) {
        match self.workers[worker] {
            Phase::Idle => self.deliver(worker, steps),
            Phase::Holding(message) => self.attempt(worker, message, steps),
            Phase::Sent(message) => self.answer(worker, message, steps),
            Phase::Copying(message, copy) => {
                self.then(
                    |world| {
                        world.ready.push(copy);
                        world.workers[worker] = Phase::Acknowledging(message);
                        if world.rules.ack_before_copy {
                            world.workers[worker] = Phase::Idle;
                        }
                    },
                    steps,
                );
            }
            Phase::Burying(message, reason) => {
                let job = usize::from(message.job);
                let stays = reason == DeadReason::Unknown && !self.rules.give_unknown_back;
                if self.open[job].is_none() {
                    self.then(
                        |world| {
                            world.ledger[job].get_or_insert(LedgerState::Dead);
                            world.workers[worker] = Phase::Acknowledging(message);
                        },
                        steps,
                    );
                } else if !stays {
                    // The row is locked: the job is given back instead.
                    self.then(|world| world.workers[worker] = Phase::Copying(message, fresh(message)), steps);
                }
            }
            Phase::Acknowledging(_) => self.then(|world| world.release(worker), steps),
        }
    }

    /// An acknowledgement on a connection that is gone changes nothing: the message is in the queue again.
    fn release(&mut self, worker: usize) {
        self.workers[worker] = Phase::Idle;
        self.attached[worker] = true;
    }

    fn deliver(&self, worker: usize, steps: &mut Vec<World>) {
        if self.gate(worker) != Gate::Open {
            return;
        }
        for index in 0..self.ready.len() {
            self.then(
                |world| {
                    let message = world.ready.remove(index);
                    world.workers[worker] = Phase::Holding(message);
                    world.attached[worker] = true;
                },
                steps,
            );
        }
    }

    fn attempt(&self, worker: usize, message: Message, steps: &mut Vec<World>) {
        let job = usize::from(message.job);
        let failure = Failure::default;
        if self.gate(worker) != Gate::Open && !self.rules.ignore_gate {
            self.settle(worker, message, &Outcome::Interrupted(failure()), |_| {}, steps);
            return;
        }
        self.settle(worker, message, &Outcome::NotSent(failure()), |_| {}, steps);
        match (self.open[job], self.ledger[job]) {
            (Some(_), _) => self.settle(worker, message, &Outcome::Pressure(failure()), |_| {}, steps),
            (None, Some(state)) if !self.rules.ignore_ledger => {
                self.settle(worker, message, &read_conflict(Some(state)), |_| {}, steps);
            }
            (None, _) => self.then(
                |world| {
                    world.has_begun_held |= world.gate(worker) != Gate::Open;
                    world.open[job] = Some(Some(worker));
                    world.remains[job] += u8::from(world.bounds.remains);
                    world.workers[worker] = Phase::Sent(message);
                    if world.rules.ack_before_commit {
                        world.attached[worker] = false;
                    }
                },
                steps,
            ),
        }
    }

    /// The server answers, or nobody hears it.
    fn answer(&self, worker: usize, message: Message, steps: &mut Vec<World>) {
        let job = usize::from(message.job);
        let failure = Failure::default;
        // What an attempt has ended like, once the consumer has asked what may have remained of it.
        let seen = |outcome: Outcome| match &outcome {
            Outcome::Done(_) => outcome,
            _ if !self.bounds.remains || self.rules.ignore_remains => outcome,
            _ => Outcome::Unknown(failure()),
        };
        for outcome in [Outcome::Done(1), Outcome::LostAfterSend(failure()), Outcome::Deadline(failure())] {
            self.settle(worker, message, &seen(outcome), |world| world.commit(job), steps);
        }
        for outcome in [
            Outcome::Conflict(failure()),
            Outcome::Permanent(failure()),
            Outcome::Deadline(failure()),
            Outcome::Killed(failure()),
            Outcome::Unlisted(failure()),
            Outcome::Interrupted(failure()),
        ] {
            self.settle(worker, message, &seen(outcome), |world| world.open[job] = None, steps);
        }
        let lost = seen(Outcome::LostAfterSend(failure()));
        self.settle(worker, message, &lost, |world| world.open[job] = Some(None), steps);
    }

    /// What the consumer does next, by the function that it runs, after what has happened on the server.
    fn settle(
        &self,
        worker: usize,
        message: Message,
        outcome: &Outcome,
        happened: impl Fn(&mut World),
        steps: &mut Vec<World>,
    ) {
        for held in [Duration::ZERO, PRESSURE_TIMEOUT] {
            let progress = Spent { attempts: message.attempts.into(), tries_here: 1, held };
            let next = match settle(outcome, progress, &policy()) {
                Settlement::Ack => Phase::Acknowledging(message),
                Settlement::Again(_) => Phase::Holding(message),
                Settlement::Tier { attempts, .. } => {
                    Phase::Copying(message, Message { attempts: attempts as u8, ..fresh(message) })
                }
                Settlement::GiveBack => Phase::Copying(message, fresh(message)),
                Settlement::Dead(reason) => Phase::Burying(message, reason),
                Settlement::Reject => unreachable!("the model has no unreadable messages"),
            };
            self.then(
                |world| {
                    happened(world);
                    world.workers[worker] = next;
                },
                steps,
            );
        }
    }

    /// The worker dies; or its broker connection is lost and it goes on without knowing.
    fn fault(&self, worker: usize, steps: &mut Vec<World>) {
        let phase = self.workers[worker];
        let Some(message) = held(phase) else { return };
        if self.faults >= self.bounds.faults {
            return;
        }
        let lost_early = self.rules.ack_before_copy && matches!(phase, Phase::Copying(..));
        self.then(
            |world| {
                world.faults += 1;
                for open in world.open.iter_mut().filter(|open| **open == Some(Some(worker))) {
                    *open = Some(None);
                }
                if world.attached[worker] && !lost_early {
                    world.give_back(message);
                }
                world.release(worker);
            },
            steps,
        );
        if self.attached[worker] && !lost_early {
            self.then(
                |world| {
                    world.faults += 1;
                    world.attached[worker] = false;
                    world.give_back(message);
                },
                steps,
            );
        }
    }

    fn give_back(&mut self, message: Message) {
        let message = Message { deliveries: message.deliveries + 1, ..message };
        if message.deliveries > DELIVERY_LIMIT {
            self.dead_queue.push(message)
        } else {
            self.ready.push(message)
        }
    }
}

fn fresh(message: Message) -> Message {
    Message { deliveries: 0, ..message }
}

fn held(phase: Phase) -> Option<Message> {
    match phase {
        Phase::Idle => None,
        Phase::Holding(message)
        | Phase::Sent(message)
        | Phase::Copying(message, _)
        | Phase::Burying(message, _)
        | Phase::Acknowledging(message) => Some(message),
    }
}
