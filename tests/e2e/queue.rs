//! What operators and policies do to the work queue.

use std::time::Duration;

use queryfleet_tests::{Fleet, eventually};

const SOON: Duration = Duration::from_secs(60);

#[test]
fn a_queue_deleted_under_a_run_is_noticed_and_the_rest_published_again() {
    let fleet = Fleet::new();
    fleet.make_counters(60);
    let script =
        fleet.script((1..=60).map(|id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP(0.02) WHERE id = {id};")));
    fleet.publish(&script, "deleted");
    // At debug each try of a slot is a line.
    let worker = fleet.worker_with(1, &[("QUERYFLEET_LOG", "debug")]);
    eventually(SOON, "it is at work", || fleet.ledger("done") >= 10);
    fleet.delete_queue();
    worker.wait_for("queryfleet.default does not exist");
    fleet.wait("deleted").expect(6).says("missing");
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "deleted", "--missing"]).expect(0);
    fleet.wait("deleted").expect(0);
    fleet.assert_each_once();
}

#[test]
fn a_message_that_no_queue_takes_interrupts_the_publish_and_is_said() {
    let fleet = Fleet::new();
    let script = fleet.counters(6000);
    let arguments = ["publish", script.to_str().unwrap(), "--run", "unbound", "--chunk", "1"];
    let output = std::thread::scope(|scope| {
        let publish = scope.spawn(|| fleet.run_with(&arguments, &[("QUERYFLEET_CONFIRM_WINDOW", "16")]));
        eventually(SOON, "publishing has begun", || fleet.ready("") > 0);
        fleet.unbind_queue("");
        publish.join().unwrap()
    });
    output.expect(1).says("unroutable");
    assert!(fleet.ready("") < 6000);
    let _worker = fleet.worker(4);
    fleet.run(&arguments).expect(0);
    fleet.wait("unbound").expect(0);
    fleet.assert_each_once();
}

#[test]
fn a_refused_message_is_published_again_until_there_is_room() {
    let fleet = Fleet::new();
    let script = fleet.counters(200);
    fleet.ctl(&["set_policy", "short", "^queryfleet\\.default$", r#"{"max-length":20}"#]);
    let mut publish = fleet.command(&["publish", script.to_str().unwrap(), "--run", "refused"]);
    publish.env("QUERYFLEET_CONFIRM_WINDOW", "32").stderr(std::process::Stdio::piped());
    let mut producer = publish.spawn().unwrap();
    eventually(SOON, "the queue is full", || fleet.ready("") >= 20);
    fleet.run(&["wait", "refused", "--timeout", "1s"]).expect(5);
    assert!(producer.try_wait().unwrap().is_none(), "it waits for room");
    let _worker = fleet.worker(4);
    let output = producer.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("nack"), "{output:?}");
    fleet.wait("refused").expect(0);
    fleet.assert_each_once();
}

#[test]
fn a_copy_that_no_queue_takes_leaves_its_message_where_it_is() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    let (statement, fault) = fleet.broken(1);
    let worker = fleet.worker(1);
    fleet.unbind_queue(".retry.100ms");
    let script = fleet.script([statement]);
    // A producer binds the queues that it knows: this one knows another tier.
    let tier = [("QUERYFLEET_RETRY_TIERS", "200ms")];
    fleet.run_with(&["publish", script.to_str().unwrap(), "--run", "copy"], &tier).expect(0);
    worker.wait_for("copy could not be published");
    drop(fault);
    fleet.wait("copy").expect(0);
    fleet.assert_each_once();
}

#[test]
#[ignore = "make faults: servers of its own"]
fn a_statement_longer_than_the_consumer_timeout_takes_effect_once() {
    let fleet = Fleet::with_own_servers();
    // Channels that are opened from now on give up after two seconds, and look once a second.
    let set = "[application:set_env(rabbit, K, V) || {K, V} <- [{channel_tick_interval, 1000}, {consumer_timeout, 2000}]].";
    fleet.servers().stack.rabbitmq.ctl(&["eval", set]).unwrap();
    fleet.make_counters(2);
    let script =
        fleet.script((1..=2).map(|id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP(6) WHERE id = {id};")));
    fleet.publish(&script, "long");
    let worker = fleet.worker(2);
    fleet.wait("long").expect(0);
    fleet.assert_each_once();
    eventually(SOON, "both are acknowledged", || fleet.messages() == 0);
    let before = worker.metric("queryfleet_jobs_total", &["outcome=\"ended_before\""]);
    assert!(before >= 1.0, "the timeout has not struck:\n{}", worker.log());
}
