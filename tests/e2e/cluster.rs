//! A broker of three nodes that die, or lose sight of each other.

use std::process::Child;
use std::time::Duration;

use queryfleet_devstack::RabbitMq;
use queryfleet_tests::{Fleet, eventually};

const COUNT: u64 = 2000;
const SOON: Duration = Duration::from_secs(90);
/// A dead connection is noticed after two of its heartbeats.
const HEARTBEAT: &str = "?heartbeat=1";

/// A producer of `count` counters that is still at it.
fn publishing(fleet: &Fleet, count: u64, urls: &str) -> Child {
    let script = fleet.counters(count);
    let mut publish = fleet.command(&["publish", script.to_str().unwrap(), "--run", "cluster"]);
    publish.env("QUERYFLEET_AMQP_URL", urls).spawn().unwrap()
}

fn ended(fleet: &Fleet, count: u64) {
    eventually(SOON, "some of it has ended", || fleet.ledger("done") >= count);
}

fn assert_all_done(fleet: &Fleet, mut producer: Child) {
    assert!(producer.wait().unwrap().success());
    // A queue that has lost its majority keeps what a subscription was given that timed out, for up to 30 s: the default is longer.
    fleet.run_with(&["wait", "cluster"], &[("QUERYFLEET_MISSING_TIMEOUT", "60s")]).expect(0);
    fleet.assert_each_once();
    assert_eq!(fleet.ledger("done"), fleet.number("SELECT COUNT(*) FROM t"));
    eventually(SOON, "every copy has been settled", || fleet.messages() == 0);
}

/// The node that leads the work queue.
fn leader(fleet: &Fleet) -> &RabbitMq {
    let list = fleet.ctl(&["list_queues", "name", "leader"]);
    let name = list.lines().find_map(|line| line.strip_prefix("queryfleet.default\t")).unwrap();
    fleet.servers().nodes().find(|node| node.name() == name).unwrap()
}

#[test]
#[ignore = "make faults: a cluster of its own"]
fn a_node_killed_is_made_good_by_the_next_url() {
    let fleet = Fleet::with_cluster();
    let urls = fleet.amqp_urls(HEARTBEAT);
    let producer = publishing(&fleet, COUNT, &urls);
    let workers = [1, 2].map(|_| fleet.worker_with(3, &[("QUERYFLEET_AMQP_URL", &urls)]));
    ended(&fleet, COUNT / 10);
    // All of them are connected to the first.
    fleet.servers().stack.rabbitmq.kill().unwrap();
    assert_all_done(&fleet, producer);
    for worker in &workers {
        worker.wait_for("connected again");
    }
    fleet.servers().stack.rabbitmq.start_again().unwrap();
}

#[test]
#[ignore = "make faults: a cluster of its own"]
fn two_nodes_killed_are_waited_for() {
    let fleet = Fleet::with_cluster();
    let urls = fleet.amqp_urls(HEARTBEAT);
    let producer = publishing(&fleet, COUNT, &urls);
    let worker = fleet.worker_with(4, &[("QUERYFLEET_AMQP_URL", &urls)]);
    ended(&fleet, COUNT / 10);
    let lost: Vec<&RabbitMq> = fleet.servers().nodes().take(2).collect();
    lost.iter().for_each(|node| node.kill().unwrap());
    eventually(SOON, "unready without a majority", || worker.get("/readyz").0 == 503);
    RabbitMq::start_all_again(lost.into_iter()).unwrap();
    assert_all_done(&fleet, producer);
}

#[test]
#[ignore = "make faults: a cluster of its own"]
fn a_node_cut_off_from_its_peers_loses_nothing() {
    let fleet = Fleet::with_cluster();
    let urls = fleet.amqp_urls(HEARTBEAT);
    let producer = publishing(&fleet, COUNT, &urls);
    let workers = [1, 2].map(|_| fleet.worker_with(3, &[("QUERYFLEET_AMQP_URL", &urls)]));
    ended(&fleet, COUNT / 10);
    // With another cookie for its peers it neither reaches them nor lets them in.
    let cut_off = &fleet.servers().stack.rabbitmq;
    let peers = "[begin erlang:set_cookie(Node, cut), erlang:disconnect_node(Node) end || Node <- nodes()].";
    cut_off.ctl(&["eval", peers]).unwrap();
    assert_all_done(&fleet, producer);
    for worker in &workers {
        worker.wait_for("connected again");
    }
}

#[test]
#[ignore = "make faults: a cluster of its own"]
fn a_retry_due_while_the_work_queue_has_no_leader_is_kept() {
    let fleet = Fleet::with_cluster();
    fleet.make_counters(1);
    let (statement, fault) = fleet.broken(1);
    let urls = fleet.amqp_urls(HEARTBEAT);
    let variables = [("QUERYFLEET_AMQP_URL", urls.as_str()), ("QUERYFLEET_RETRY_TIERS", "3s")];
    fleet.run_with(&["setup"], &variables).expect(0);
    let worker = fleet.worker_with(1, &variables);
    worker.serves();
    fleet.publish(&fleet.script([statement]), "kept");
    eventually(SOON, "it waits in its tier", || fleet.ready(".retry.3s") == 1);
    drop(fault);
    leader(&fleet).kill().unwrap();
    fleet.wait("kept").expect(0);
    fleet.assert_each_once();
}
