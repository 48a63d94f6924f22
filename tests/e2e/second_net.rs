//! The net below the list of what is atomic: a statement that ends our transaction after all.

use std::sync::Arc;
use std::time::Duration;

use queryfleet_config::Config;
use queryfleet_job::{Class, Job, RunId};
use queryfleet_ledger::{Database, RunSession, Session};
use queryfleet_tests::Fleet;

/// As a hole in the list would let it through; no job of the chunk may pass for done, and none may run again.
#[test]
fn of_a_chunk_whose_transaction_was_ended_every_job_is_unknown() {
    let fleet = Fleet::new();
    let vars = [("QUERYFLEET_MYSQL_URL".to_owned(), fleet.mysql_url())];
    let config = Config::from_vars(vars).expect("a configuration");
    let mut session = Session::new(Arc::new(Database::new(&config).expect("a URL")));
    let jobs = ["DO 1", "CREATE TABLE made (i INT)", "DO 3"];
    let jobs: Vec<Job> = (1..).zip(jobs).map(|(seq, sql)| Job::new(seq, sql)).collect();
    let chunk = fleet.chunk(RunId(7), jobs.clone());
    let mut attempt = async |jobs: &[Job]| {
        session.prepare(RunSession::NONE).await.expect("a connection");
        let outcome =
            session.attempt(&chunk, jobs, true, Duration::from_secs(30), std::future::pending()).await;
        outcome.expect_err("an end that nobody knows").outcome.class()
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    assert_eq!(runtime.block_on(attempt(&jobs)), Class::Unknown);
    assert_eq!(fleet.ledger("started"), 3);
    for job in &jobs {
        assert_eq!(runtime.block_on(attempt(std::slice::from_ref(job))), Class::Unknown, "job {}", job.seq);
    }
}
