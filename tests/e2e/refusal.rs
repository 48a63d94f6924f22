//! What the broker refuses, for now or for ever, and how often a message is in its queue then.

use std::process::{Child, Stdio};
use std::time::Duration;

use queryfleet_tests::{Fleet, Output, eventually};

const SOON: Duration = Duration::from_secs(60);

/// Sets what a message may have at most.
fn set_limit(fleet: &Fleet, bytes: u64) {
    let set = format!(
        "application:set_env(rabbit, max_message_size, {bytes}), persistent_term:put(max_message_size, {bytes})."
    );
    fleet.servers().stack.rabbitmq.ctl(&["eval", &set]).unwrap();
}

/// Ends every connection to the test's virtual host.
fn disconnect(fleet: &Fleet) {
    fleet.ctl(&["close_all_connections", "by the test"]);
}

fn user(fleet: &Fleet) -> String {
    fleet.amqp_url().split_once("//").unwrap().1.split_once(':').unwrap().0.to_owned()
}

/// A publish in the background, and what it says in the end.
fn publish(fleet: &Fleet, arguments: &[&str]) -> Child {
    let mut command = fleet.command(&[&["publish"][..], arguments].concat());
    command.env("QUERYFLEET_CONFIRM_WINDOW", "64").stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn ended(publish: Child) -> Output {
    let output = publish.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Output { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// A counter's statement of so many bytes.
fn large(id: u64, bytes: usize) -> String {
    format!("UPDATE t SET n = n + 1 /* {} */ WHERE id = {id};", "x".repeat(bytes))
}

#[test]
fn a_statement_above_the_brokers_limit_is_named_and_nothing_is_published_over_and_over() {
    let fleet = Fleet::with_own_servers();
    set_limit(&fleet, 20_000);
    fleet.make_counters(500);
    let line =
        |id| if id == 300 { large(id, 30_000) } else { format!("UPDATE t SET n = n + 1 WHERE id = {id};") };
    let script = fleet.script((1..=500).map(line));
    let arguments = ["publish", script.to_str().unwrap(), "--run", "large"];
    let output = fleet.run(&arguments).expect(1);
    let place = format!("{}:300:1", script.display());
    output.says(&place).says("max_message_size of 20000").says("--run large");
    assert!(fleet.ready("") <= 600, "{} messages of 500", fleet.ready(""));
    set_limit(&fleet, 1 << 24);
    let _worker = fleet.worker(4);
    fleet.run(&arguments).expect(0);
    fleet.wait("large").expect(0);
    fleet.assert_each_once();
}

#[test]
fn a_message_above_the_brokers_limit_is_cut_until_it_is_not() {
    let fleet = Fleet::with_own_servers();
    set_limit(&fleet, 20_000);
    fleet.make_counters(64);
    let script = fleet.script((1..=64).map(|id| large(id, 5_000)));
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "cut", "--chunk", "32"]).expect(0);
    assert!((22..=100).contains(&fleet.ready("")), "{} messages", fleet.ready(""));
    let _worker = fleet.worker(4);
    fleet.wait("cut").expect(0);
    fleet.assert_each_once();
}

#[test]
fn a_copy_above_the_brokers_limit_is_cut_and_a_job_alone_above_it_is_dead() {
    let fleet = Fleet::with_own_servers();
    fleet.make_counters(6);
    let (broken, _fault) = fleet.broken(6);
    let padded = |statement: &str, bytes: usize| {
        statement.replacen("UPDATE", &format!("UPDATE /* {} */", "x".repeat(bytes)), 1)
    };
    let mut lines: Vec<String> = (1..=4).map(|id| large(id, 9_000)).collect();
    // Each fails as long as the fault lives; the last one is above the limit on its own.
    lines.push(padded(&broken.replace("id = 6", "id = 5"), 9_000));
    lines.push(padded(&broken, 30_000));
    let script = fleet.script(lines);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "copies", "--chunk", "6"]).expect(0);
    set_limit(&fleet, 20_000);
    let worker = fleet.worker_with(1, &[("QUERYFLEET_MAX_ATTEMPTS", "3")]);
    fleet.wait("copies").expect(3).says("4 jobs done, 2 dead");
    let dead: Vec<(u64, String, u32)> =
        fleet.rows("SELECT seq, reason, attempts FROM queryfleet_dead ORDER BY seq");
    assert_eq!(dead, [(5, "attempts".to_owned(), 3), (6, "error".to_owned(), 1)]);
    fleet.run(&["dead", "show", "copies", "6"]).expect(0).says("it cannot be tried again").says("20000");
    assert!(worker.metric("queryfleet_job_errors_total", &["unlisted"]) <= 6.0, "no loop");
}

/// The limit was lowered since the job died.
#[test]
fn a_dead_job_above_the_brokers_limit_stays_dead_and_holds_up_no_other() {
    let fleet = Fleet::with_own_servers();
    fleet.make_counters(3);
    let fails = |id: u64, bytes| format!("UPDATE t SET m = 1 /* {} */ WHERE id = {id};", "x".repeat(bytes));
    let script = fleet.script([fails(1, 10), fails(2, 30_000), fails(3, 10)]);
    fleet.publish(&script, "dead");
    let worker = fleet.worker(1);
    fleet.wait("dead").expect(3).says("3 dead");
    drop(worker);
    fleet.sql("ALTER TABLE t ADD m INT");
    set_limit(&fleet, 20_000);
    let replay = fleet.run(&["dead", "replay", "--run", "dead"]);
    assert_ne!(replay.code, 0);
    assert!(replay.out.contains("2 dead jobs replayed"), "{replay:?}");
    assert!(replay.err.contains("job 2 of run") && replay.err.contains("limit of 20000"), "{replay:?}");
    let _worker = fleet.worker(1);
    fleet.wait("dead").expect(3).says("2 jobs done, 1 dead");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM t WHERE m = 1 AND id <> 2"), 2);
    // A queue that is gone takes none, and what was taken goes back.
    fleet.ctl(&["delete_queue", "queryfleet.default"]);
    set_limit(&fleet, 1 << 24);
    let replay = fleet.run(&["dead", "replay", "--run", "dead"]);
    assert_ne!(replay.code, 0);
    assert_eq!(
        (fleet.ledger("dead"), fleet.number("SELECT COUNT(*) FROM queryfleet_dead WHERE state = 'dead'")),
        (1, 1)
    );
    fleet.run(&["dead", "discard", "--run", "dead", "--yes"]).expect(0);
}

#[test]
fn a_limit_of_connections_is_waited_for() {
    let fleet = Fleet::new();
    let script = fleet.counters(20);
    fleet.ctl(&["set_vhost_limits", r#"{"max-connections":0}"#]);
    let mut worker = fleet.worker_with(1, &[]);
    worker.wait_for("connection limit (0) is reached");
    let mut publish = publish(&fleet, &[script.to_str().unwrap(), "--run", "limit"]);
    std::thread::sleep(Duration::from_secs(1));
    assert!(worker.is_running() && publish.try_wait().unwrap().is_none(), "{}", worker.log());
    fleet.ctl(&["set_vhost_limits", r#"{"max-connections":-1}"#]);
    ended(publish).expect(0).says("publishing waits").says("connection limit (0) is reached");
    fleet.wait("limit").expect(0);
    fleet.assert_each_once();
}

#[test]
#[ignore = "make faults: takes long"]
fn an_account_that_is_made_anew_under_a_publish_is_waited_for() {
    let fleet = Fleet::with_own_servers();
    // 20 s of publishing: on a busy machine the broker's tool alone takes several.
    let script = fleet.counters(3000);
    let mut publish = publish(&fleet, &[script.to_str().unwrap(), "--run", "anew", "--rate", "150"]);
    eventually(SOON, "publishing has begun", || fleet.ready("") > 20);
    fleet.ctl(&["clear_permissions", &user(&fleet)]);
    disconnect(&fleet);
    std::thread::sleep(Duration::from_secs(2));
    assert!(publish.try_wait().unwrap().is_none(), "it waits");
    fleet.ctl(&["set_permissions", &user(&fleet), ".*", ".*", ".*"]);
    ended(publish).expect(0).says("publishing waits").says("refused");
    let _worker = fleet.worker(4);
    fleet.wait("anew").expect(0);
    fleet.assert_each_once();
}

#[test]
fn a_queue_that_is_deleted_under_a_publish_ends_it_and_is_said() {
    let fleet = Fleet::new();
    let script = fleet.counters(2000);
    let publish = publish(&fleet, &[script.to_str().unwrap(), "--run", "gone", "--rate", "400"]);
    eventually(SOON, "publishing has begun", || fleet.ready("") > 20);
    fleet.delete_queue();
    ended(publish).expect(1).says("queryfleet setup");
    let _worker = fleet.worker(4);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "gone", "--missing"]).expect(0);
    fleet.wait("gone").expect(0);
    fleet.assert_each_once();
}

/// A batch of which some are taken and others refused: only those are sent again.
#[test]
fn what_the_broker_has_taken_is_not_sent_again_while_the_rest_waits() {
    let fleet = Fleet::new();
    let script = fleet.counters(200);
    fleet.ctl(&["set_policy", "short", "^queryfleet\\.default$", r#"{"max-length":30}"#]);
    let publish = publish(&fleet, &[script.to_str().unwrap(), "--run", "refused"]);
    eventually(SOON, "the queue is full", || fleet.ready("") >= 30);
    std::thread::sleep(Duration::from_secs(2));
    let worker = fleet.worker(4);
    ended(publish).expect(0).says("nack");
    fleet.wait("refused").expect(0);
    fleet.assert_each_once();
    eventually(SOON, "an empty queue", || fleet.messages() == 0);
    let doubles = worker.metric("queryfleet_jobs_total", &["outcome=\"ended_before\""]);
    assert_eq!(doubles, 0.0, "a message that was refused is in no queue, and one that was not is sent once");
}
