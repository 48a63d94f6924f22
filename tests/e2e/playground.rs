//! What a newcomer meets around a run: private servers, a second worker, a database without tables.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use queryfleet_tests::{Fleet, program};

#[test]
fn another_terminal_joins_the_servers_of_dev_which_end_with_a_signal() {
    let script = r#"
        queryfleet=$0
        folder=$(ls -d "$TMPDIR"/queryfleet-*)
        mode=$(stat -c %a "$folder/env")
        unset QUERYFLEET_AMQP_URL QUERYFLEET_MYSQL_URL
        . "$folder/env"
        "$queryfleet" status 2>&1
        "$queryfleet" setup >/dev/null && "$queryfleet" status && echo "joined with mode $mode"
        # As an orchestrator would: to the program alone, which has to pass it on.
        kill -TERM $PPID
        exec sleep 600
    "#;
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(program())
        .args(["dev", "--", "sh", "-c", script, program().to_str().unwrap()])
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(out.contains("`queryfleet setup` makes its tables and queues"), "{out}\n{err}");
    assert!(out.contains("joined with mode 600"), "{out}\n{err}");
    assert_eq!(output.status.code(), Some(130), "{err}");
    assert!(err.contains("until sh ends") && err.contains("another terminal joins by: . "), "{err}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
}

#[test]
fn a_second_worker_takes_a_free_port_unless_one_was_asked_for() {
    let fleet = Fleet::new();
    // Whoever has it: the default port is taken.
    let _taken = std::net::TcpListener::bind("127.0.0.1:9464");
    let mut command = fleet.command(&["work", "--slots", "1"]);
    let mut worker = command.env_remove("QUERYFLEET_METRICS_LISTEN").stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(worker.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("127.0.0.1:9464 is taken")));
    let serves = lines.find(|line| line.contains("worker serves")).unwrap();
    assert!(serves.contains("metrics=127.0.0.1:") && !serves.contains(":9464"), "{serves}");
    worker.kill().unwrap();
    worker.wait().unwrap();
    let asked = [("QUERYFLEET_METRICS_LISTEN", "127.0.0.1:9464")];
    fleet.run_with(&["work", "--slots", "1"], &asked).expect(1).says("set QUERYFLEET_METRICS_LISTEN");
}

#[test]
fn a_run_ends_with_what_it_did() {
    let fleet = Fleet::new();
    fleet.make_counters(500);
    let script = fleet.script((1..=500).map(|id| format!("UPDATE t SET n = n + 1 WHERE id = {id};")));
    let said = fleet.run(&["run", script.to_str().unwrap(), "--run", "all"]).expect(0);
    said.says("took ").says(", rows changed 500, retried 0, redelivered 0").says("all 500 jobs done");
    fleet.assert_each_once();
    // What was done before this process is not its own.
    let said = fleet.run(&["run", script.to_str().unwrap(), "--run", "all"]).expect(0);
    said.says("here 0 jobs/s, rows changed 0,");
}

#[test]
fn waiting_ends_with_its_time_and_rate() {
    let fleet = Fleet::new();
    let script = fleet.counters(3);
    fleet.publish(&script, "three");
    let mut waiting = fleet.command(&["wait", "three"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(waiting.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("no worker serves")));
    let _worker = fleet.worker(1);
    assert!(lines.any(|line| line.starts_with("waited ") && line.ends_with(" jobs/s")));
    assert!(waiting.wait().unwrap().success());
    // Nothing ended meanwhile.
    assert!(!fleet.run(&["wait", "three"]).expect(0).err.contains("waited"));
}
