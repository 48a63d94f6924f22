//! A job that kills every worker that takes it.

use std::time::Duration;

use queryfleet_tests::{Fleet, eventually};

#[test]
fn a_job_that_kills_its_worker_dies_alone_at_the_delivery_limit() {
    let fleet = Fleet::new();
    fleet.make_counters(4);
    // A queue of its own, because a delivery limit cannot be changed afterwards.
    let queue = [("QUERYFLEET_QUEUE", "poison"), ("QUERYFLEET_DELIVERY_LIMIT", "2")];
    let script = fleet.script((1..=4).map(|id| {
        let mark = if id == 3 { "/* poison */ " } else { "" };
        format!("UPDATE t SET n = n + 1 {mark}WHERE id = {id};")
    }));
    let arguments = ["publish", script.to_str().unwrap(), "--run", "poison", "--chunk", "4"];
    fleet.run_with(&arguments, &queue).expect(0);
    let variables = [&queue[..], &[("FAILPOINTS", "poison=return")]].concat();
    let mut deaths = 0;
    while fleet.ledger("dead") == 0 {
        let mut worker = fleet.worker_with(1, &variables);
        eventually(Duration::from_secs(30), "it dies, or has nothing left to do", || {
            !worker.is_running() || fleet.number("SELECT COUNT(*) FROM queryfleet_ledger") == 4
        });
        deaths += u32::from(!worker.is_running());
        assert!(deaths <= 8, "{}", worker.log());
        if worker.is_running() {
            eventually(Duration::from_secs(30), "the dead job is counted", || {
                worker.metric("queryfleet_dead_jobs_total", &["\"delivery_limit\""]) == 1.0
            });
        }
    }
    fleet.run_with(&["wait", "poison"], &queue).expect(3).says("3 jobs done, 1 dead");
    assert_eq!(fleet.dead(), [(3, "delivery_limit".to_owned(), None)]);
    fleet.sql("UPDATE t SET n = n + 1 WHERE id = 3");
    fleet.assert_each_once();
}
