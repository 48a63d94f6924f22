//! Why a message is in the dead queue is what the broker says, and not what one may think of it.

use std::time::Duration;

use queryfleet_tests::{Fleet, eventually};

const SOON: Duration = Duration::from_secs(60);
const COUNT: u64 = 12;

/// A run of which nothing was executed, since something has moved all of it.
struct Moved {
    fleet: Fleet,
}

impl Moved {
    fn new(chunk: &str) -> Moved {
        Moved::under(Fleet::new(), chunk)
    }

    fn under(fleet: Fleet, chunk: &str) -> Moved {
        let script = fleet.counters(COUNT);
        fleet.run(&["publish", script.to_str().unwrap(), "--run", "moved", "--chunk", chunk]).expect(0);
        Moved { fleet }
    }

    fn empty(&self) {
        eventually(SOON, "all of it was moved", || self.fleet.ready("") == 0);
    }

    /// Every job is dead by this reason, and is brought back.
    fn comes_back(&self, reason: &str, words: &[&str]) {
        let fleet = &self.fleet;
        let worker = fleet.worker(2);
        let dead = format!("0 jobs done, {COUNT} dead");
        fleet.wait("moved").expect(3).says(&dead);
        assert!(
            fleet.dead().iter().all(|(_, found, code)| found == reason && code.is_none()),
            "{:?}",
            fleet.dead()
        );
        let show = fleet.run(&["dead", "show", "moved", "1"]).expect(0);
        let mut show = words.iter().fold(show, |show, word| show.says(word));
        show.out.make_ascii_lowercase();
        assert!(!show.out.contains("died at"), "{show:?}");
        let counted = worker.metric("queryfleet_dead_jobs_total", &[&format!("reason=\"{reason}\"")]);
        assert_eq!(counted, COUNT as f64);
        fleet.run(&["dead", "replay", "--reason", reason]).expect(0).says("12 dead jobs replayed");
        fleet.wait("moved").expect(0);
        fleet.assert_each_once();
    }
}

fn policy(fleet: &Fleet, definition: &str) {
    fleet.ctl(&["set_policy", "foreign", "^queryfleet\\.default$", definition, "--apply-to", "queues"]);
}

#[test]
fn what_a_policys_ttl_has_moved_is_dead_as_expired_and_comes_back() {
    let fleet = Fleet::new();
    // A quorum queue of RabbitMQ 3.10 looks at it when a message comes.
    policy(&fleet, r#"{"message-ttl":100}"#);
    let moved = Moved::under(fleet, "4");
    moved.empty();
    moved.fleet.ctl(&["clear_policy", "foreign"]);
    moved.comes_back("expired", &["time to live", "queryfleet.default", "list_policies"]);
}

#[test]
fn what_a_policys_length_has_moved_is_dead_as_that_and_comes_back() {
    let moved = Moved::new("1");
    policy(&moved.fleet, r#"{"max-length":0,"overflow":"drop-head"}"#);
    moved.empty();
    moved.fleet.ctl(&["clear_policy", "foreign"]);
    moved.comes_back("maxlen", &["limit of the length", "list_policies"]);
}

#[test]
fn what_somebody_has_moved_to_the_dead_queue_is_dead_as_moved_and_comes_back() {
    let moved = Moved::new("12");
    moved.fleet.shovel_next();
    moved.empty();
    moved.comes_back("moved", &["somebody has moved it", "dead replay"]);
}

/// Nobody can tell a person from a worker that dies each time: the words name both.
#[test]
fn what_was_put_back_up_to_the_limit_blames_no_worker_alone() {
    let moved = Moved::new("1");
    let fleet = &moved.fleet;
    let each = fleet.requeue_all() as u64 / COUNT;
    assert!(each >= 20, "the broker's limit has moved it: after {each}");
    let _worker = fleet.worker(2);
    fleet.wait("moved").expect(3).says("0 jobs done, 12 dead");
    assert!(fleet.dead().iter().all(|(_, reason, _)| reason == "delivery_limit"), "{:?}", fleet.dead());
    fleet.run(&["dead", "show", "moved", "1"]).expect(0).says("or somebody put it back");
    fleet.run(&["dead", "replay", "--reason", "delivery_limit"]).expect(0);
    fleet.wait("moved").expect(0);
    fleet.assert_each_once();
}
