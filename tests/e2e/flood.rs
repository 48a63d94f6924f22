//! What a log tells of thousands of jobs that fail, and of many slots that cannot work: few lines for a person, each job for whoever asks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use queryfleet_tests::{Fleet, Proxy, Signal, Worker, eventually, interrupted};
use serde_json::Value;

const JOBS: u64 = 2000;

/// A run of jobs that all die, and the lines that its worker has logged at this level, as JSON.
fn lines(fleet: &Fleet, level: &str) -> Vec<Value> {
    fleet.make_counters(1);
    let script = fleet.script((0..JOBS).map(|_| "INSERT INTO t (id) VALUES (1);"));
    fleet.publish(&script, "flood");
    let variables = [("QUERYFLEET_LOG", level), ("QUERYFLEET_LOG_FORMAT", "json")];
    let mut worker = fleet.worker_with(4, &variables);
    worker.serves();
    fleet.run_with(&["wait", "flood"], &[]).expect(3);
    assert_eq!(worker.drain(), Some(0));
    let log = worker.log();
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// Requires what is told of a job: its run, its place, and who had it.
fn assert_whole(fleet: &Fleet, line: &Value) {
    assert_eq!(line["run"], fleet.run_id("flood").to_string(), "{line}");
    assert!(line["seq"].as_u64().is_some_and(|seq| (1..=JOBS).contains(&seq)), "{line}");
    assert!(line["slot"].as_u64().is_some_and(|slot| (1..=4).contains(&slot)), "{line}");
    assert!(line["worker"].as_str().is_some_and(|worker| worker.contains(':')), "{line}");
    assert!(line["error"].as_str().is_some_and(|error| error.contains("1062")), "{line}");
}

#[test]
fn a_flood_of_dead_jobs_is_a_few_lines_at_info() {
    let fleet = Fleet::new();
    let lines = lines(&fleet, "info");
    let dead: Vec<&Value> = lines.iter().filter(|line| line["level"] == "WARN").collect();
    // The first at once, then one every ten seconds, and the rest at the end.
    assert!((2..=20).contains(&dead.len()) && lines.len() <= dead.len() + 5, "{lines:#?}");
    dead.iter().for_each(|line| assert_whole(&fleet, line));
    assert_eq!((&dead[0]["message"], &dead[0]["count"]), (&"job is dead".into(), &1.into()));
    assert!(dead[1]["message"].as_str().unwrap().starts_with("jobs are dead"), "{}", dead[1]);
    assert_eq!(dead.iter().filter_map(|line| line["count"].as_u64()).sum::<u64>(), JOBS);
}

#[test]
fn each_job_is_one_line_at_debug() {
    let fleet = Fleet::new();
    let lines = lines(&fleet, "debug");
    let settled: Vec<&Value> = lines.iter().filter(|line| line["message"] == "job settled").collect();
    settled.iter().for_each(|line| {
        assert_whole(&fleet, line);
        assert_eq!((&line["level"], &line["class"]), (&"DEBUG".into(), &"permanent".into()), "{line}");
        assert_eq!(line["settlement"], "dead", "{line}");
    });
    let seqs: BTreeSet<u64> = settled.iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert_eq!((settled.len() as u64, seqs.len() as u64), (JOBS, JOBS));
    // What is told of jobs is whole, and no other lines come with each of them.
    let others = lines.len() - settled.len();
    assert!(others < 200, "{others} lines more");
}

#[test]
fn a_broker_that_is_away_is_a_few_lines_however_many_slots_miss_it() {
    const SLOTS: u16 = 64;
    let fleet = Fleet::new();
    let proxy = Proxy::to(&fleet.amqp_url());
    let url = proxy.url(&fleet.amqp_url());
    let mut worker = fleet.worker_with(SLOTS, &[("QUERYFLEET_AMQP_URL", &url)]);
    worker.serves();
    eventually(Duration::from_secs(30), "it is ready", || worker.get("/readyz").0 == 200);
    // Nobody listens there any more.
    drop(proxy);
    eventually(Duration::from_secs(30), "every slot misses it", || worker.get("/readyz").0 == 503);
    assert_eq!(worker.drain(), Some(0));
    let log = worker.log();
    let away: Vec<&str> =
        log.lines().filter(|line| line.contains("WARN") && line.contains("serve")).collect();
    assert!((2..=10).contains(&away.len()), "{log}");
    let whole = |line: &&str| {
        ["class=\"broker\"", "error=", "worker=", "slot="].iter().all(|part| line.contains(part))
    };
    assert!(away.iter().all(whole), "{away:#?}");
    assert!(away[0].contains("slot cannot serve") && away[0].ends_with("count=1"), "{away:#?}");
    // The rest of them at the end, if not before.
    assert!(away[1].contains("tries of slots to serve have failed, the first of them"), "{away:#?}");
    let counted = |line: &str| line.split_once("count=")?.1.trim().parse::<u64>().ok();
    assert!(away.iter().filter_map(|line| counted(line)).sum::<u64>() > 10, "{away:#?}");
}

const SOON: Duration = Duration::from_secs(60);

/// Requires few lines of a worker's that hold this text, which tell of at least so many cases.
#[track_caller]
fn few(worker: &mut Worker, text: &str, cases: u64) {
    assert_eq!(worker.drain(), Some(0));
    let log = worker.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(text)).collect();
    assert!((1..=6).contains(&lines.len()), "{} lines: {lines:#?}", lines.len());
    let counted = |line: &&str| line.split_once("count=")?.1.trim().parse::<u64>().ok();
    let told: u64 = lines.iter().filter_map(counted).sum();
    assert!(told >= cases, "{told} of {cases} are told: {lines:#?}");
}

#[test]
fn a_flood_of_poison_chunks_is_a_few_lines() {
    let fleet = Fleet::new();
    let script = fleet.counters(600);
    let limit = ["queryfleet.default", r#"{"delivery-limit":1}"#, "--apply-to", "queues"];
    fleet.ctl(&[&["set_policy", "limit"][..], &limit].concat());
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "poison", "--chunk", "2"]).expect(0);
    fleet.requeue_all();
    fleet.ctl(&["clear_policy", "limit"]);
    let mut worker = fleet.worker(2);
    fleet.wait("poison").expect(0);
    fleet.assert_each_once();
    eventually(SOON, "an empty dead queue", || fleet.messages() == 0);
    few(&mut worker, "published again job by job", 300);
}

#[test]
fn a_flood_of_copies_that_no_queue_takes_is_a_few_lines() {
    let fleet = Fleet::new();
    fleet.make_counters(40);
    let statements: Vec<String> = (1..=40)
        .map(|id| format!("UPDATE t SET n = n + (SELECT 1 UNION ALL SELECT 1) WHERE id = {id};"))
        .collect();
    let mut worker = fleet.worker_with(8, &[("QUERYFLEET_BACKOFF_MAX", "20ms")]);
    worker.serves();
    fleet.unbind_queue(".retry.100ms");
    // A producer binds the queues that it knows: this one knows another tier.
    let tier = [("QUERYFLEET_RETRY_TIERS", "200ms")];
    let script = fleet.script(statements);
    fleet.run_with(&["publish", script.to_str().unwrap(), "--run", "copies"], &tier).expect(0);
    let unpublished = || worker.metric("queryfleet_messages_published_total", &["unroutable"]);
    eventually(SOON, "many copies came back", || unpublished() >= 100.0);
    few(&mut worker, "could not be published", 100);
}

#[test]
fn a_flood_of_dead_jobs_that_cannot_be_written_down_is_a_few_lines() {
    let fleet = Fleet::new();
    fleet.sql("ALTER TABLE queryfleet_dead MODIFY statement VARCHAR(10) NULL");
    let script = fleet.script((0..300).map(|n| format!("UPDATE nowhere SET n = {n} WHERE id = 1;")));
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "unburied", "--chunk", "100"]).expect(0);
    let mut worker = fleet.worker_with(4, &[("QUERYFLEET_BACKOFF_MAX", "20ms")]);
    let failed = || worker.metric("queryfleet_job_errors_total", &["permanent"]);
    eventually(SOON, "many have failed", || failed() >= 500.0);
    few(&mut worker, "could not be written down", 300);
}

#[test]
fn a_publish_and_a_worker_that_wait_say_so_now_and_then() {
    let fleet = Fleet::new();
    let script = fleet.counters(200);
    fleet.ctl(&["set_policy", "short", "^queryfleet\\.default$", r#"{"max-length":1}"#]);
    let mut publish = fleet.command(&["publish", script.to_str().unwrap(), "--run", "full"]);
    publish.env("QUERYFLEET_CONFIRM_WINDOW", "8").env("QUERYFLEET_BACKOFF_MAX", "10ms");
    let log = fleet.file("publish.err", "");
    let publish = publish.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    let away = [("QUERYFLEET_AMQP_URL", "amqp://u:p@127.0.0.1:1/v"), ("QUERYFLEET_BACKOFF_MAX", "10ms")];
    let mut worker = fleet.worker_with(1, &away);
    worker.wait_for("tries of the worker to start have failed");
    // Its reminder is due ten seconds after the first line, however much else the machine has to do.
    let said = || std::fs::read_to_string(&log).unwrap();
    eventually(SOON, "it says it once more", || said().contains("times more since the last line"));
    interrupted(publish, Signal::INT);
    let said = said();
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("publishing waits")).collect();
    assert!((1..=4).contains(&lines.len()), "{said}");
    assert!(lines[1].contains("times more since the last line"), "{said}");
    few(&mut worker, "worker", 50);
}

/// Every Rust file below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// A line at info or above that can come once per message goes through what limits it: `log/throttle.rs` of the worker,
/// `notice.rs` of the producer. Each of the others is here, with the reason why it is rare.
#[test]
fn every_line_that_can_come_once_a_message_goes_through_what_limits_it() {
    let rare: BTreeMap<&str, &[&str]> = BTreeMap::from([
        (
            "broker/src/connection/alarm.rs",
            &["the broker has blocked", "the broker takes messages again"][..],
        ),
        ("broker/src/publisher/mod.rs", &["publishing waits"]),
        // Once per worker, and once per run.
        ("consumer/src/collector.rs", &["queryfleet_dead holds so many messages"]),
        ("consumer/src/shared/kept.rs", &["the run continues one job at a time"]),
        ("consumer/src/log/throttle.rs", &["run, seq, slot"]),
        (
            "consumer/src/worker.rs",
            &[
                "worker serves",
                "worker drains",
                "drain timeout has passed",
                "broker or database does not answer",
            ],
        ),
        ("producer/src/notice.rs", &["{what}"]),
        ("producer/src/range/cutter.rs", &["a statement over {size} rows"]),
        ("metrics/src/server.rs", &["cannot accept a connection"]),
    ]);
    let mut found = Vec::new();
    let mut unused: BTreeSet<&str> = rare.keys().copied().collect();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    for name in ["broker", "consumer", "producer", "ledger", "metrics", "job", "config"] {
        for file in sources(&crates.join(name).join("src")) {
            let text = std::fs::read_to_string(&file).unwrap();
            let place = file.strip_prefix(&crates).unwrap().to_str().unwrap();
            for level in ["warn!(", "info!(", "error!("] {
                for (at, _) in text.match_indices(level) {
                    let line: Vec<&str> = text[at..].split_whitespace().take(40).collect();
                    let line = line.join(" ");
                    match rare.get(place) {
                        Some(words) if words.iter().any(|word| line.contains(word)) => {
                            unused.remove(place);
                        }
                        _ => found.push(format!("{place}: {line}")),
                    }
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(unused.is_empty(), "they log no more: {unused:?}");
}
