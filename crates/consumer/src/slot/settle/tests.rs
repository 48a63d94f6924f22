//! The order in which a plan is acted out: dead rows, copies, and the end of the delivery last of all.

use std::time::Duration;

use futures_util::FutureExt;
use queryfleet_broker::Route;
use queryfleet_job::{
    Action, Chunk, DeadReason, Failure, Headers, Job, LedgerId, LedgerState, Outcome, RunId, Settlement,
    envelope,
};

use super::{Effects, act};
use crate::slot::copies::{Copies, Untaken};
use crate::slot::execute::Ending;
use crate::slot::plan::{Death, Plan, Then};

/// Records each effect. What fails is told beforehand.
#[derive(Default)]
struct Recorder {
    effects: Vec<String>,
    /// The seqs that have a copy, or a dead row.
    kept: Vec<u64>,
    /// The seqs whose dead rows cannot be written.
    unwritable: Vec<u64>,
    /// The seqs that the broker takes in no copy.
    untaken: Vec<u64>,
    is_unpublishable: bool,
    is_disconnected: bool,
    has_no_session: bool,
    is_closed: bool,
}

impl Recorder {
    fn after(mut self, plan: Plan<'_>) -> (Vec<String>, Then) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let then = runtime.block_on(act(plan, &mut self));
        (self.effects, then)
    }
}

impl Effects for Recorder {
    async fn write_dead_row(&mut self, death: &Death<'_>) -> bool {
        let seq = death.ending.job.seq;
        self.effects.push(format!("dead {seq} {}", death.reason.as_str()));
        let is_written = !self.unwritable.contains(&seq);
        self.kept.extend(is_written.then_some(seq));
        is_written
    }

    fn has_session(&self) -> bool {
        !self.has_no_session
    }

    fn is_closed(&self) -> bool {
        self.is_closed
    }

    async fn stop_consuming(&mut self) {
        self.effects.push("stop".into());
    }

    async fn publish(&mut self, copies: Copies<'_>, action: Action) -> Option<Vec<Untaken>> {
        let mut untaken = Vec::new();
        for (route, message) in copies.into_messages(None) {
            let jobs = envelope::decode(&message.body).expect("what a worker takes").jobs;
            let seqs: Vec<u64> = jobs.iter().map(|job| job.seq).collect();
            self.kept.extend(&seqs);
            let attempts = message.headers.attempts;
            self.effects.push(format!("copy {seqs:?} to {route:?} attempts {attempts} as {action}"));
            if seqs.iter().any(|seq| self.untaken.contains(seq)) {
                let error = queryfleet_broker::Error::Cancelled;
                untaken.push(Untaken { message, error });
            }
        }
        (!self.is_unpublishable).then_some(untaken)
    }

    fn end(&mut self, action: Action) -> bool {
        self.effects.push(action.to_string());
        !self.is_disconnected
    }
}

fn chunk(jobs: u64) -> Chunk {
    let jobs = (1..=jobs).map(|seq| Job::new(seq, "DO 1")).collect();
    let ledger = LedgerId("l".into());
    Chunk { run: RunId(7), ledger, session: 0, not_atomic: None, manifest: None, jobs }
}

/// A failure whose text is this.
fn failed(text: &str) -> Failure {
    Failure::said(text)
}

/// An ending with a settlement, whatever its outcome.
fn ending(job: &Job, settlement: Settlement) -> Ending<'_> {
    Ending {
        job,
        outcome: Outcome::Unlisted(failed("it failed")),
        settlement,
        alone: false,
        apart: false,
        warnings: 0,
    }
}

/// Acts the plan of a chunk out whose jobs have these settlements, after two counted attempts.
fn act_out(settlements: &[Settlement], recorder: Recorder) -> (Vec<String>, Then) {
    let chunk = chunk(settlements.len() as u64);
    let headers = Headers { attempts: 2, ..Headers::default() };
    let endings: Vec<Ending<'_>> =
        chunk.jobs.iter().zip(settlements).map(|(job, settlement)| ending(job, *settlement)).collect();
    recorder.after(Plan::of_jobs(&chunk, &headers, &endings))
}

const ACK: Settlement = Settlement::Ack;
const RETRY: Settlement = Settlement::Tier { tier: 1, attempts: 3 };
const BACK: Settlement = Settlement::GiveBack;
const DEAD: Settlement = Settlement::Dead(DeadReason::Attempts);

const COPY: &str = "copy [2] to Tier(1) attempts 3 as retry";
const WORK_COPY: &str = "copy [2] to Work attempts 2 as give_back";

#[test]
fn every_settlement_comes_before_the_end_of_the_delivery() {
    for (settlements, effects, then) in [
        (&[ACK][..], &["ack"][..], Then::Continue),
        (&[ACK, RETRY], &[COPY, "retry"], Then::Continue),
        (&[ACK, BACK], &["stop", WORK_COPY, "give_back"], Then::Pause),
        (&[ACK, DEAD], &["dead 2 attempts", "dead"], Then::Continue),
        (&[DEAD, RETRY], &["dead 1 attempts", COPY, "retry"], Then::Continue),
        (
            &[RETRY, BACK, DEAD, ACK],
            &[
                "dead 3 attempts",
                "stop",
                "copy [1] to Tier(1) attempts 3 as give_back",
                WORK_COPY,
                "give_back",
            ],
            Then::Pause,
        ),
        // Jobs that go the same way share a copy.
        (&[RETRY, RETRY], &["copy [1, 2] to Tier(1) attempts 3 as retry", "retry"], Then::Continue),
        // Nobody attempts it again here: it is not acknowledged as if it had ended.
        (&[ACK, Settlement::Again(Duration::ZERO)], &["stop", WORK_COPY, "give_back"], Then::Pause),
        // The run is gone from the ledger: the message goes to the collector, after what its other jobs need.
        (&[ACK, Settlement::Reject], &["reject"], Then::Continue),
        (
            &[Settlement::Reject, RETRY],
            &["copy [2] to Tier(1) attempts 3 as reject", "reject"],
            Then::Continue,
        ),
    ] {
        let (acted, after) = act_out(settlements, Recorder::default());
        assert_eq!(acted, effects, "{settlements:?}");
        assert_eq!(after, then, "{settlements:?}");
    }
}

#[test]
fn a_job_whose_dead_row_cannot_be_written_is_given_back() {
    let recorder = Recorder { unwritable: vec![2], ..Recorder::default() };
    let (effects, then) = act_out(&[DEAD, DEAD], recorder);
    assert_eq!(effects, ["dead 1 attempts", "dead 2 attempts", "stop", WORK_COPY, "give_back"]);
    assert_eq!(then, Then::Pause);
}

#[test]
fn nothing_is_acknowledged_whose_copy_is_not_confirmed() {
    let recorder = Recorder { is_unpublishable: true, ..Recorder::default() };
    let (effects, then) = act_out(&[ACK, RETRY], recorder);
    assert_eq!(effects, [COPY]);
    assert_eq!(then, Then::Pause);
}

#[test]
fn a_job_that_the_broker_takes_in_no_copy_dies_before_the_acknowledgement() {
    let recorder = Recorder { untaken: vec![2], ..Recorder::default() };
    let (effects, then) = act_out(&[ACK, RETRY], recorder);
    assert_eq!(effects, [COPY, "dead 2 error", "retry"]);
    assert_eq!(then, Then::Continue);
    let recorder = Recorder { untaken: vec![2], unwritable: vec![2], ..Recorder::default() };
    let (effects, then) = act_out(&[ACK, RETRY], recorder);
    assert_eq!(effects, [COPY, "dead 2 error"]);
    assert_eq!(then, Then::Pause);
}

/// A dead row that cannot be written sends its job after others that go the same way, whose seqs may be larger.
#[test]
fn whatever_fails_a_job_that_is_not_done_has_one_dead_row_or_a_copy_that_workers_take() {
    const JOBS: u32 = 4;
    let ways = [ACK, RETRY, BACK, DEAD];
    for (combination, unwritable) in (0..4_usize.pow(JOBS)).flat_map(|n| (0..1 << JOBS).map(move |w| (n, w)))
    {
        let settlements: Vec<Settlement> =
            (0..JOBS).map(|job| ways[combination / 4_usize.pow(job) % 4]).collect();
        let unwritable: Vec<u64> =
            (0..JOBS).filter(|job| unwritable >> job & 1 == 1).map(|job| u64::from(job) + 1).collect();
        let mut recorder = Recorder { unwritable, ..Recorder::default() };
        let chunk = chunk(u64::from(JOBS));
        let headers = Headers::default();
        let endings: Vec<Ending<'_>> =
            chunk.jobs.iter().zip(&settlements).map(|(job, settlement)| ending(job, *settlement)).collect();
        let acting = act(Plan::of_jobs(&chunk, &headers, &endings), &mut recorder);
        // Nothing here waits.
        assert!(acting.now_or_never().is_some());
        recorder.kept.sort_unstable();
        let wanted: Vec<u64> =
            (1..).zip(&settlements).filter(|(_, way)| **way != ACK).map(|(seq, _)| seq).collect();
        assert_eq!(recorder.kept, wanted, "{settlements:?}, unwritable {:?}", recorder.unwritable);
    }
}

#[test]
fn a_lost_connection_is_made_anew_before_the_next_message() {
    let recorder = Recorder { has_no_session: true, ..Recorder::default() };
    assert_eq!(act_out(&[ACK], recorder), (vec!["stop".into(), "ack".into()], Then::Reconnect));
    let recorder = Recorder { is_disconnected: true, ..Recorder::default() };
    assert_eq!(act_out(&[ACK], recorder), (vec!["ack".into()], Then::Reconnect));
    let recorder = Recorder { is_disconnected: true, ..Recorder::default() };
    assert_eq!(act_out(&[BACK], recorder).1, Then::Pause);
}

#[test]
fn a_held_slot_takes_no_message_with_its_acknowledgement() {
    for settlement in [ACK, DEAD] {
        let recorder = Recorder { is_closed: true, ..Recorder::default() };
        let (effects, then) = act_out(&[settlement], recorder);
        assert_eq!(then, Then::Hold);
        assert_eq!(effects[effects.len() - 2], "stop", "{effects:?}");
    }
    let recorder = Recorder { is_closed: true, has_no_session: true, ..Recorder::default() };
    assert_eq!(act_out(&[ACK, BACK], recorder).1, Then::Hold);
}

#[test]
fn a_job_that_must_be_alone_has_a_copy_of_its_own() {
    let chunk = chunk(3);
    let headers = Headers::default();
    let endings: Vec<Ending<'_>> = chunk
        .jobs
        .iter()
        .map(|job| Ending { alone: job.seq == 2, ..ending(job, Settlement::GiveBack) })
        .collect();
    let (effects, _) = Recorder::default().after(Plan::of_jobs(&chunk, &headers, &endings));
    let expected =
        ["stop", "copy [1, 3] to Work attempts 0 as give_back", "copy [2] to Work attempts 0 as give_back"];
    assert_eq!(effects[..3], expected);
}

#[test]
fn a_message_that_is_not_run_is_kept_whole() {
    let body = envelope::seal(&chunk(2), None, 0, None).body;
    let headers = Headers { attempts: 2, ..Headers::default() };
    let whole = "copy [1, 2] to Work attempts 2 as give_back";
    for (outcome, settlement, effects) in [
        (Outcome::EndedBefore(LedgerState::Cancelled), ACK, &["ack"][..]),
        (Outcome::Undecodable(failed("?")), Settlement::Reject, &["reject"]),
        (Outcome::UnknownRun, RETRY, &["copy [1, 2] to Tier(1) attempts 3 as retry", "retry"]),
        (Outcome::Unfit(failed("a newer envelope")), BACK, &["stop", whole, "give_back"]),
        (Outcome::Pressure(failed("1040")), Settlement::Again(Duration::ZERO), &["stop", whole, "give_back"]),
        // None of its jobs was attempted, so none is dead.
        (Outcome::Unlisted(failed("?")), DEAD, &["stop", whole, "give_back"]),
    ] {
        let plan = Plan::of_message(&body, &headers, &outcome, settlement, None);
        assert_eq!(Recorder::default().after(plan).0, effects, "{outcome:?}");
    }
    // The broker takes no copy of it: it is dead-lettered itself.
    let plan = Plan::of_message(&body, &headers, &Outcome::UnknownRun, RETRY, None);
    let recorder = Recorder { untaken: vec![1], ..Recorder::default() };
    assert_eq!(recorder.after(plan).0.last().map(String::as_str), Some("reject"));
}

#[test]
fn the_first_error_is_that_of_a_failed_attempt() {
    let chunk = chunk(1);
    let headers = Headers { first_error: Some("the first".into()), ..Headers::default() };
    let endings = [ending(&chunk.jobs[0], RETRY)];
    let first_error = |plan: Plan<'_>| {
        let sealed = plan.copies.into_messages(None);
        sealed.into_iter().map(|(route, copy)| (route, copy.headers.first_error)).collect::<Vec<_>>()
    };
    let expected = |error: &str| vec![(Route::Tier(1), Some(error.to_owned()))];
    assert_eq!(first_error(Plan::of_jobs(&chunk, &headers, &endings)), expected("the first"));
    assert_eq!(first_error(Plan::of_jobs(&chunk, &Headers::default(), &endings)), expected("it failed"));
    // It only had to wait.
    let outcome = Outcome::Interrupted(failed("other messages had their turn"));
    let plan = Plan::of_message(b"", &Headers::default(), &outcome, BACK, None);
    assert_eq!(first_error(plan), [(Route::Work, None)]);
}
