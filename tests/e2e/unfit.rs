//! What a wrong configuration says, and that it never shows a secret ([`Fleet::run`] looks for them everywhere).

use std::time::Duration;

use queryfleet_tests::Fleet;

const AMQP: &str = "QUERYFLEET_AMQP_URL";
const MYSQL: &str = "QUERYFLEET_MYSQL_URL";

/// Each wrong URL, and a word of the cause that must be named.
fn wrong(fleet: &Fleet) -> Vec<(&'static str, String, &'static str)> {
    let (amqp, mysql) = (fleet.amqp_url(), fleet.mysql_url());
    let other_password = |url: &str, secret: &str| url.replacen(secret, "wr0ng-s3cret", 1);
    let secrets = fleet.secrets();
    let base = |url: &str| url.rsplit_once('/').unwrap().0.to_owned();
    vec![
        (AMQP, other_password(&amqp, &secrets[0]), "ACCESS_REFUSED"),
        (AMQP, format!("{}/nowhere", base(&amqp)), "nowhere"),
        (MYSQL, other_password(&mysql, &secrets[1]), "Access denied"),
        (MYSQL, format!("{}/nowhere", base(&mysql)), "nowhere"),
        (AMQP, "amqp:wr0ng-s3cret".to_owned(), AMQP),
        (MYSQL, "mysql://user:wr0ng-s3cret@".to_owned(), MYSQL),
    ]
}

#[test]
fn wrong_credentials_and_names_end_every_command_with_the_cause() {
    let fleet = Fleet::new();
    let script = fleet.counters(1);
    let publish = ["publish", script.to_str().unwrap()];
    for (variable, url, cause) in wrong(&fleet) {
        for command in [&["setup"][..], &publish, &["work"]] {
            let output = fleet.run_with(command, &[(variable, &url)]);
            let text = format!("{command:?} with {cause}: {output:#?}");
            assert_eq!(output.code, 1, "{text}");
            assert!(output.err.contains(cause), "{text}");
            assert!(!output.err.contains("wr0ng-s3cret") && !output.out.contains("wr0ng-s3cret"), "{text}");
        }
    }
    assert_eq!(fleet.ready(""), 0);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
}

#[test]
fn a_database_without_our_tables_says_what_to_run() {
    let fleet = Fleet::new();
    let script = fleet.counters(1);
    fleet.sql("DROP TABLE queryfleet_meta");
    fleet.run(&["publish", script.to_str().unwrap()]).expect(1).says("queryfleet setup");
    let shortly = [("QUERYFLEET_SETUP_TIMEOUT", "100ms")];
    fleet.run_with(&["work"], &shortly).expect(1).says("queryfleet setup");
}

#[test]
fn a_broker_url_that_does_not_answer_is_passed_over() {
    let fleet = Fleet::new();
    let script = fleet.counters(3);
    let urls = format!("amqp://u:p@broker.invalid:5672/v,{}", fleet.amqp_url());
    let variables = [(AMQP, urls.as_str())];
    fleet.run_with(&["publish", script.to_str().unwrap(), "--run", "next"], &variables).expect(0);
    let worker = fleet.worker_with(1, &variables);
    worker.serves();
    fleet.run_with(&["wait", "next"], &variables).expect(0);
    fleet.assert_each_once();
}

#[test]
fn a_server_that_cannot_be_reached_ends_a_command_and_is_waited_for_by_a_worker() {
    let fleet = Fleet::new();
    let script = fleet.counters(1);
    let unreachable = [
        (AMQP, "amqp://u:wr0ng-s3cret@broker.invalid:5672/v"),
        (MYSQL, "mysql://u:wr0ng-s3cret@db.invalid/d"),
    ];
    for url in unreachable {
        for command in [&["setup"][..], &["publish", script.to_str().unwrap()]] {
            let output = fleet.run_with(command, &[url]).expect(1).says("invalid");
            assert!(!output.err.contains("wr0ng-s3cret"), "{output:?}");
        }
        let mut worker = fleet.worker_with(1, &[url]);
        worker.wait_for("worker waits");
        assert!(worker.is_running() && !worker.log().contains("wr0ng-s3cret"), "{}", worker.log());
        assert_eq!(worker.drain(), Some(0));
    }
}

#[test]
fn a_queue_with_other_arguments_is_named() {
    let fleet = Fleet::new();
    let output = fleet.run_with(&["work"], &[("QUERYFLEET_DELIVERY_LIMIT", "7")]).expect(1);
    output.says("queue queryfleet.default").says("x-delivery-limit");
    fleet.make_strange_queue("strange", "classic");
    // As it was made before its dead queue had a delivery limit.
    fleet.make_strange_queue("older.dead", "quorum");
    for (name, queue) in [("strange", "queue queryfleet.strange"), ("older", "queue queryfleet.older.dead")] {
        for command in ["setup", "work"] {
            let output = fleet.run_with(&[command], &[("QUERYFLEET_QUEUE", name)]).expect(1);
            output.says(queue).says("inequivalent arg");
        }
    }
}

#[test]
fn a_worker_that_lost_its_rights_gives_jobs_back_and_blames_none() {
    let fleet = Fleet::new();
    let script = fleet.counters(5);
    fleet.publish(&script, "rights");
    fleet.sql("RENAME TABLE queryfleet_ledger TO elsewhere");
    let worker = fleet.worker_with(1, &[("QUERYFLEET_MAX_ATTEMPTS", "1")]);
    worker.serves();
    queryfleet_tests::eventually(Duration::from_secs(20), "unready, the table named", || {
        let (status, body) = worker.get("/readyz");
        status == 503 && body.contains("queryfleet_ledger")
    });
    fleet.sql("RENAME TABLE elsewhere TO queryfleet_ledger");
    fleet.wait("rights").expect(0);
    fleet.assert_each_once();
    assert_eq!(worker.get("/readyz").0, 200);
}

#[test]
fn a_worker_that_may_not_write_dead_jobs_is_unfit_and_repeats_none() {
    let fleet = Fleet::new();
    let url = fleet.plain_mysql_url();
    let user = format!("{}@'127.0.0.1'", url.split_once("//").unwrap().1.split_once(':').unwrap().0);
    let database: String = fleet.rows("SELECT DATABASE()").remove(0);
    fleet.sql(&format!("REVOKE ALL ON {database}.* FROM {user}"));
    for table in ["meta", "run", "ledger", "worker", "dead", "hold", "limit"] {
        let rights = "SELECT, INSERT, UPDATE, DELETE";
        fleet.sql(&format!("GRANT {rights} ON {database}.queryfleet_{table} TO {user}"));
    }
    let worker = fleet.worker_with(1, &[("QUERYFLEET_MYSQL_URL", &url)]);
    worker.serves();
    fleet.publish(&fleet.script(["DO 1;"]), "served");
    fleet.wait("served").expect(0);
    fleet.sql(&format!("REVOKE INSERT ON {database}.queryfleet_dead FROM {user}"));
    fleet.publish(&fleet.script(["DO nowhere;"]), "dead");
    queryfleet_tests::eventually(Duration::from_secs(20), "unready, by what it has tried", || {
        let (status, body) = worker.get("/readyz");
        status == 503 && body.contains("queryfleet_dead") && body.contains("cannot write dead jobs")
    });
    let given_back = worker.metric("queryfleet_deliveries_settled_total", &["\"give_back\""]);
    assert_eq!(given_back, 1.0, "the slot takes nothing that it could not bury");
    fleet.sql(&format!("GRANT INSERT ON {database}.queryfleet_dead TO {user}"));
    fleet.wait("dead").expect(3);
    assert_eq!(fleet.rows::<u32>("SELECT attempts FROM queryfleet_dead"), [1]);
}
