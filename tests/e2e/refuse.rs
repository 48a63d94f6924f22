//! Statements that no fleet can run exactly once are refused: at publish, and again by the worker.

use queryfleet_job::{Chunk, Job, NotAtomic};
use queryfleet_tests::Fleet;

/// Each refused statement, and a word of the reason.
const REFUSED: [(&str, &str); 15] = [
    ("CALL p()", "non-transactional"),
    ("TRUNCATE TABLE t", "non-transactional"),
    ("ALTER TABLE t ADD x INT", "non-transactional"),
    ("SET autocommit = 0", "SET"),
    ("COMMIT", "transaction control"),
    ("/*!50000 CALL p() */", "non-transactional"),
    ("SELECT 1 INTO @x", "INTO a variable"),
    ("LOCK TABLES t WRITE", "LOCK"),
    ("UPDATE t SET n = LAST_INSERT_ID() WHERE id = 1", "LAST_INSERT_ID()"),
    ("UPDATE t SET n = CONVERT_TZ(NOW(), @tz, '+00:00') WHERE id = 1", "reading a user variable"),
    ("UPDAT t SET n = 1", "other is non-transactional (`UPDAT t SET n = 1`)"),
    ("SELECT 1.INTO OUTFILE 'f'", "non-transactional"),
    ("SELECT \\NINTO @x", "INTO a variable"),
    ("SELECT 1..5", "accepted by no server"),
    ("source other.sql", "a command of the mariadb client"),
];

/// Statements of which only `publish` wants to be told that they are meant.
const WITHOUT_WHERE: [(&str, &str); 5] = [
    ("UPDATE t SET n = n + 100", "WHERE"),
    ("ANALYZE UPDATE t SET n = n + 100", "WHERE"),
    ("ANALYZE FORMAT=JSON DELETE FROM t", "WHERE"),
    ("WITH x AS (SELECT 1 WHERE 1) DELETE FROM t", "WHERE"),
    ("DELETE FROM t /*!50001 WHERE id = 1 */", "WHERE"),
];

#[test]
fn a_refused_statement_publishes_nothing_and_is_named_with_its_line() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    for (statement, reason) in REFUSED.into_iter().chain(WITHOUT_WHERE) {
        let script = fleet.script(["UPDATE t SET n = 1 WHERE id = 1;", "-- why", statement, ";", "DO 2;"]);
        let path = script.to_str().unwrap();
        let output = fleet.run(&["publish", path, "--run", "refused"]).expect(1).says(reason);
        // The statement's own line, not that of the comment before it.
        assert!(output.err.contains(&format!("{path}:3:1: ")), "{output:#?}");
    }
    assert_eq!(fleet.ready(""), 0);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
}

#[test]
fn a_worker_refuses_what_a_producer_should_have() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    fleet.sql("CREATE PROCEDURE p() UPDATE t SET n = n + 100");
    let several = "UPDATE t SET n = n + 100; UPDATE t SET n = n + 100";
    let statements: Vec<&str> =
        REFUSED.iter().map(|(sql, _)| *sql).chain([several, "", "SELECT '"]).collect();
    let run = fleet.hollow_run("raw", 1 + statements.len() as u64, &[]);
    let good = "UPDATE t SET n = n + 1 WHERE id = 1";
    for (index, sql) in [&[good], &statements[..]].concat().iter().enumerate() {
        fleet.send_chunk(&fleet.chunk(run, vec![Job::new(index as u64 + 1, *sql)]));
    }
    let worker = fleet.worker(2);
    queryfleet_tests::eventually(std::time::Duration::from_secs(20), "all of them dead", || {
        fleet.ledger("dead") == statements.len() as u64 && fleet.ledger("done") == 1
    });
    assert!(fleet.dead().iter().all(|(_, reason, _)| reason == "refused"), "{:?}", fleet.dead());
    fleet.assert_each_once();
    assert!(worker.metric("queryfleet_jobs_total", &["outcome=\"refused\""]) >= statements.len() as f64);
}

#[test]
fn a_workers_policy_takes_no_other_kinds() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    let script = fleet.script([
        "UPDATE t SET n = n + 1 WHERE id = 1;",
        "DELETE FROM t WHERE id = 1;",
        "INSERT INTO t (id) VALUES (9);",
    ]);
    fleet.publish(&script, "policy");
    let _worker = fleet.worker_with(1, &[("QUERYFLEET_ALLOW", "update")]);
    fleet.wait("policy").expect(3);
    let refused = |seq| (seq, "refused".to_owned(), None);
    assert_eq!(fleet.dead(), [refused(2), refused(3)]);
    fleet.assert_each_once();
}

#[test]
fn a_workers_policy_holds_whatever_a_producer_has_let_through() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    fleet.sql("UPDATE t SET n = 1");
    let script = fleet.script(["TRUNCATE TABLE t;", "/* UPDATE */ DELETE FROM t WHERE id > 0;", "SELECT 1;"]);
    for (name, options) in
        [("raw", &["--not-atomic", "repeat"][..]), ("chunk", &["--not-atomic", "park", "--chunk", "3"])]
    {
        let arguments = [&["publish", script.to_str().unwrap(), "--run", name], options].concat();
        fleet.run_with(&arguments, &[("QUERYFLEET_ALLOW", "select,delete,ddl")]).expect(0);
    }
    let worker = fleet.worker_with(1, &[("QUERYFLEET_ALLOW", "update, SELECT")]);
    fleet.wait("raw").expect(3);
    fleet.wait("chunk").expect(3);
    let refused = |seq| (seq, "refused".to_owned(), None);
    assert_eq!(fleet.dead(), [refused(1), refused(1), refused(2), refused(2)]);
    fleet.assert_each_once();
    let why: Vec<String> = fleet.rows("SELECT message FROM queryfleet_dead WHERE seq = 2");
    assert_eq!(why, ["QUERYFLEET_ALLOW of this worker does not list delete"; 2]);
    drop(worker);
    let file = script.to_str().unwrap();
    for arguments in [&["work"][..], &["plan", file], &["publish", file]] {
        let output = fleet.run_with(arguments, &[("QUERYFLEET_ALLOW", "update,delte")]);
        output.expect(1).says("QUERYFLEET_ALLOW cannot be read: expected kinds of statement");
    }
}

/// Under a policy for reading, whatever keyword or number hides what is executed.
#[test]
fn a_workers_policy_is_about_what_is_executed() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    let folder = fleet.file("into", "");
    let file = |name: &str| format!("{folder}.{name}");
    let hidden = [
        format!("SELECT 1.INTO OUTFILE '{}'", file("1")),
        format!("SELECT 1e5INTO OUTFILE '{}'", file("2")),
        format!("SELECT .5INTO OUTFILE '{}'", file("3")),
        format!("SELECT \\NINTO OUTFILE '{}'", file("4")),
        format!("ANALYZE SELECT 1 INTO OUTFILE '{}'", file("5")),
        format!("VALUES (1) INTO OUTFILE '{}'", file("6")),
        "SELECT 1.5INTO @z".into(),
        "ANALYZE UPDATE t SET n = n + 100".into(),
        "ANALYZE FORMAT=JSON DELETE FROM t".into(),
        "WITH x AS (SELECT 1) DELETE FROM t".into(),
        "/*!50001 DELETE FROM t WHERE id > 0 */".into(),
        "EXECUTE IMMEDIATE 'DELETE FROM t'".into(),
        "BEGIN NOT ATOMIC DELETE FROM t; END".into(),
        "SET STATEMENT max_statement_time = 1 FOR DELETE FROM t".into(),
        "EXPLAIN ANALYZE DELETE t FROM t JOIN t u".into(),
    ];
    let run = fleet.hollow_run("hidden", 2 + hidden.len() as u64, &["--not-atomic", "park"]);
    for id in 1..=2 {
        let sql = format!("UPDATE t SET n = n + 1 WHERE id = {id}");
        fleet.send_chunk(&fleet.chunk(run, vec![Job::new(id, sql)]));
    }
    for (seq, sql) in (3..).zip(&hidden) {
        let chunk = fleet.chunk(run, vec![Job::new(seq, sql)]);
        fleet.send_chunk(&Chunk { not_atomic: Some(NotAtomic::Park), ..chunk });
    }
    let _worker = fleet.worker_with(2, &[("QUERYFLEET_ALLOW", "select,with,values,table,ddl,other")]);
    queryfleet_tests::eventually(std::time::Duration::from_secs(20), "all of them dead", || {
        fleet.ledger("dead") == 2 + hidden.len() as u64
    });
    assert!(fleet.dead().iter().all(|(_, reason, _)| reason == "refused"), "{:?}", fleet.dead());
    assert_eq!(fleet.number("SELECT COUNT(*) FROM t WHERE n = 0"), 2);
    let written: Vec<&String> = hidden
        .iter()
        .filter(|sql| sql.split('\'').nth(1).is_some_and(|name| std::path::Path::new(name).exists()))
        .collect();
    assert!(written.is_empty(), "{written:?}");
}

#[test]
fn a_script_that_cannot_be_split_is_named_with_its_line() {
    let fleet = Fleet::new();
    let script = fleet.script(["DO 1;", "DO 2;", "UPDATE t SET n = 'never closed;"]);
    let place = ":3:18: ";
    fleet.run(&["publish", script.to_str().unwrap()]).expect(1).says(place);
    let empty = fleet.script(["-- nothing;"]);
    fleet.run(&["publish", empty.to_str().unwrap()]).expect(1).says("no statement");
    fleet.run(&["publish", "/nowhere/script.sql"]).expect(1).says("/nowhere/script.sql");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
}

#[test]
fn a_statement_above_the_brokers_limit_is_refused_with_its_line() {
    let fleet = Fleet::new();
    let large = format!("UPDATE t SET n = '{}';", "x".repeat(17 << 20));
    let script = fleet.script(["DO 1;", "DO 2;", &large]);
    let path = script.to_str().unwrap();
    let output = fleet.run(&["publish", path, "--run", "large"]).expect(1);
    assert!(output.err.contains(&format!("{path}:3:1: ")), "{}", &output.err[..output.err.len().min(500)]);
    assert!(output.err.len() < 2000, "the statement itself is not printed whole");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
}

/// In its message a control character takes six bytes, a quote two.
#[test]
fn a_statement_that_is_above_the_limit_only_in_its_message_publishes_nothing() {
    let fleet = Fleet::new();
    for long in ["\u{1}".repeat(3 << 20), "\"".repeat(9 << 20)] {
        let large = format!("DO LENGTH('{long}');");
        let script = fleet.script(["DO 1;", &large, "DO 2;"]);
        let path = script.to_str().unwrap();
        for command in ["plan", "publish"] {
            let output = fleet.run(&[command, path, "--chunk", "2"]).expect(1);
            let said = output.out + &output.err;
            assert!(said.contains(&format!("{path}:2:1: ")), "{}", &said[..said.len().min(500)]);
            assert!(said.contains("bytes in its message") && said.len() < 2000, "{}", said.len());
        }
    }
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
}

#[test]
fn the_name_of_a_run_fits_or_is_refused_on_the_command_line() {
    let fleet = Fleet::new();
    // Of one letter that is two bytes: the limit is in characters.
    let script = fleet.file(&format!("{}.sql", "é".repeat(125)), "DO 1;");
    for command in ["publish", "run", "plan"] {
        let long = "é".repeat(191);
        let refused = fleet.run(&[command, &script, "--run", &long]).expect(2);
        refused.says("--run <NAME>").says("it has 191 characters, but the name of a run has at most 190");
    }
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
    fleet.run(&["publish", &script, "--run", &"é".repeat(190)]).expect(0);
    // A long file's name is cut, and the time is behind it.
    fleet.run(&["publish", &script, "--again"]).expect(0);
    fleet.run(&["publish", &script, "--again"]).expect(0);
    let names = "SELECT COUNT(*) FROM queryfleet_run WHERE name LIKE 'ééé%-20%'";
    assert_eq!(fleet.number(names), 2);
}

/// What the client takes for a command of its own is told by its name, wherever the client takes it.
#[test]
fn a_command_of_the_client_is_named_with_what_to_do_instead() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    for (command, instead) in [
        ("source other.sql", "an input of its own"),
        ("SOURCE other.sql;", "an input of its own"),
        ("\\. other.sql", "an input of its own"),
        ("-- why\nquit", "stops reading there"),
        ("exit;", "stops reading there"),
        ("DO 1 \\q", "stops reading there"),
        ("charset latin1", "UTF-8"),
        ("/*!50000 DO 1 \\C latin1 */;", "UTF-8"),
        ("system rm x", "in a shell"),
        ("\\! rm x", "in a shell"),
        ("\\u other", "write `USE name;`"),
        ("connect other", "leave it out"),
        ("tee log", "leave it out"),
        ("pager less;", "leave it out"),
        ("status", "leave it out"),
        ("warnings;", "leave it out"),
        ("resetconnection", "leave it out"),
        ("query_attributes a b", "leave it out"),
        ("? contents", "leave it out"),
        ("go", "leave it out"),
        ("delimiter// x", "on its line"),
    ] {
        let script = fleet.script(["UPDATE t SET n = 1 WHERE id = 1;", command, "DO 2;"]);
        let arguments = ["publish", script.to_str().unwrap(), "--not-atomic=repeat"];
        fleet.run(&arguments).expect(1).says("is a command of the mariadb client, not SQL").says(instead);
    }
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
}
