//! The crate `queryfleet`, as a program uses it: in this process, against the same servers as the rest.

mod inputs;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use queryfleet::{
    Drain, End, ErrorKind, Fleet as Library, Halt, JobEnd, NotAtomic, Progress, Publish, RunFault, RunState,
    Server, Statement, Value, Wait,
};
use queryfleet_tests::{Fleet, eventually};

const SOON: Duration = Duration::from_secs(30);
/// The statements of a test that sleep now.
const EXECUTING: &str =
    "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND state = 'User sleep'";

fn library(fleet: &Fleet) -> Library {
    Library::builder()
        .amqp_url(fleet.amqp_url())
        .mysql_url(fleet.mysql_url())
        .set("QUERYFLEET_RETRY_TIERS", "100ms,300ms,1s")
        .set("QUERYFLEET_RUN_POLL_INTERVAL", "200ms")
        .build()
        .unwrap()
}

fn block<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(work)
}

/// Asks the database in the middle of what is asynchronous.
fn beside<T>(ask: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(ask)
}

fn counted(ids: impl IntoIterator<Item = u64, IntoIter: Send + 'static>) -> Publish {
    let update = |id: u64| Statement::new("UPDATE t SET n = n + 1 WHERE id = ?").bind(id);
    Publish::statements(ids.into_iter().map(update))
}

#[test]
fn built_queries_are_executed_exactly_once_and_their_end_is_told() {
    let fleet = Fleet::new();
    fleet.make_counters(5_000);
    let library = library(&fleet);
    block(async {
        let mut running = library.run(counted(1..=5_000).run("built"), 4);
        let mut seen = (false, false, false);
        while let Some(progress) = running.next().await {
            match progress {
                Progress::Checking { .. } => seen.0 = true,
                Progress::Publishing { run, total, .. } => seen.1 = run == "built" && total == 5_000,
                Progress::Running { status, .. } => seen.2 = status.total == Some(5_000),
                _ => {}
            }
        }
        assert_eq!(seen, (true, true, true));
        let ended = running.await.unwrap();
        assert_eq!((ended.end, ended.status.done, ended.status.dead), (End::Done, 5_000, 0));
        // Again: nothing is left to do, and nothing is done twice.
        let ended = library.run(counted(1..=5_000).run("built"), 4).await.unwrap();
        assert_eq!((ended.end, ended.status.state), (End::Done, RunState::Done));
    });
    fleet.assert_each_once();
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_worker"), 0, "the workers have left");
}

#[test]
fn values_arrive_as_they_are() {
    let fleet = Fleet::new();
    fleet.sql(
        "CREATE TABLE v (i BIGINT, u BIGINT UNSIGNED, d DECIMAL(65, 30), f DOUBLE, s TEXT, b BLOB, t DATETIME(6), z INT)",
    );
    let library = library(&fleet);
    let digits = format!("-{}.{}", "9".repeat(35), "1".repeat(30));
    let insert = Statement::new("INSERT INTO v VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(i64::MIN)
        .bind(u64::MAX)
        .bind(Value::Decimal(digits.clone()))
        .bind(0.1)
        .bind("it's \\ 😀")
        .bind(vec![0_u8, 255, 39])
        .bind("2026-11-27 10:15:00.000001")
        .bind(None::<i32>);
    block(async {
        let ended = library.run(Publish::statements([insert]), 1).await.unwrap();
        assert_eq!(ended.end, End::Done);
    });
    type Row = (i64, u64, String, f64, String, Vec<u8>, String, Option<i32>);
    let rows = fleet.rows::<Row>(
        "SELECT i, u, CAST(d AS CHAR), f, s, b, DATE_FORMAT(t, '%Y-%m-%d %H:%i:%s.%f'), z FROM v",
    );
    let wanted = (
        i64::MIN,
        u64::MAX,
        digits,
        0.1,
        "it's \\ 😀".to_owned(),
        vec![0, 255, 39],
        "2026-11-27 10:15:00.000001".to_owned(),
        None,
    );
    assert_eq!(rows, [wanted]);
}

#[test]
fn what_is_dropped_is_resumed_by_the_same_call() {
    let fleet = Fleet::new();
    fleet.make_counters(3_000);
    let library = library(&fleet);
    let slow = |ids: std::ops::RangeInclusive<u64>| {
        let update = |id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP(0.002) WHERE id = {id}");
        Publish::statements(ids.map(update)).run("dropped").chunk(1)
    };
    block(async {
        for done in [1, 500, 1_500] {
            let mut running = library.run(slow(1..=3_000), 4);
            while let Some(progress) = running.next().await {
                if matches!(progress, Progress::Running { status, .. } if status.done >= done) {
                    break;
                }
            }
            drop(running);
        }
        let before = beside(|| fleet.ledger("done"));
        assert!(before < 3_000, "dropped too late to show anything: {before}");
        let ended = library.run(slow(1..=3_000), 8).await.unwrap();
        assert_eq!((ended.end, ended.status.done), (End::Done, 3_000));
    });
    fleet.assert_each_once();
}

#[test]
fn statements_are_taken_lazily_and_asynchronously() {
    let fleet = Fleet::new();
    fleet.make_counters(2_000);
    let library = library(&fleet);
    let made = Arc::new(AtomicU64::new(0));
    let counting = made.clone();
    block(async {
        let ids = (1..=1_000).inspect(move |_| {
            counting.fetch_add(1, Ordering::Relaxed);
        });
        let publishing = library.publish(counted(ids).run("lazy"));
        assert_eq!(made.load(Ordering::Relaxed), 0, "nothing happens before it is awaited");
        let published = publishing.await.unwrap();
        assert_eq!((published.total, published.before, made.load(Ordering::Relaxed)), (1_000, 0, 1_000));
        let streamed = futures_util::stream::iter(1_001..=2_000_u64).then(async |id| {
            tokio::task::yield_now().await;
            format!("UPDATE t SET n = n + 1 WHERE id = {id}")
        });
        library.publish(Publish::stream(streamed).run("streamed")).await.unwrap();
        let drain = Drain::default();
        let worker = tokio::spawn(library.worker().slots(2).run(drain.clone()));
        for run in ["lazy", "streamed"] {
            assert_eq!(library.wait(run).await.unwrap().end, End::Done);
        }
        drain.begin();
        let totals = worker.await.unwrap().unwrap();
        assert_eq!((totals.done, totals.rows_affected), (2_000, 2_000));
    });
    fleet.assert_each_once();
}

#[test]
fn outcomes_come_as_jobs_end_each_once() {
    let fleet = Fleet::new();
    fleet.make_counters(25_000);
    let library = library(&fleet);
    block(async {
        // Two of three blocks have a job that fails; one of them at the end.
        let statements = (1..=25_000_u64).map(|id| match id {
            7 | 25_000 => "INSERT INTO t VALUES (1, 0)".to_owned(),
            id => format!("UPDATE t SET n = n + 1 WHERE id = {id}"),
        });
        let run = library.run(Publish::statements(statements).run("told"), 4);
        let run = tokio::spawn(async move { run.await });
        let mut outcomes = loop {
            match library.outcomes("told").await {
                Ok(outcomes) => break outcomes,
                Err(error) => {
                    assert!(matches!(error.kind(), ErrorKind::Run { fault: RunFault::Unknown, .. }))
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let mut seen = BTreeMap::new();
        let mut before_the_end = 0;
        while !outcomes.is_complete() {
            if !run.is_finished() {
                before_the_end = seen.len();
            }
            for outcome in outcomes.look().await.unwrap() {
                assert_eq!(seen.insert(outcome.index, outcome.end), None, "{} twice", outcome.index);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(run.await.unwrap().unwrap().end, End::Dead);
        assert!(seen.keys().copied().eq(0..25_000));
        assert!(before_the_end > 0, "all of them came at the end");
        let dead: Vec<u64> =
            seen.iter().filter(|(_, end)| **end == JobEnd::Dead).map(|(index, _)| *index).collect();
        assert_eq!(dead, [6, 24_999]);
        let jobs = library.operator().unwrap().dead_jobs("told", 10).await.unwrap();
        let named: Vec<_> = jobs.iter().map(|job| (job.index, job.code, job.attempts)).collect();
        assert_eq!(named, [(6, Some(1062), 1), (24_999, Some(1062), 1)]);
        assert_eq!(jobs[0].statement.as_ref().unwrap().sql(), "INSERT INTO t VALUES (1, 0)");
    });
}

#[test]
fn errors_are_told_apart_by_their_kind() {
    let fleet = Fleet::new();
    fleet.make_counters(10);
    let library = library(&fleet);
    let run = |name: &str, fault| ErrorKind::Run { name: name.to_owned(), fault };
    block(async {
        let refused = Publish::statements((0..10).map(|index| match index {
            7 => "UPDATE t SET n = 0".to_owned(),
            index => format!("UPDATE t SET n = n + 1 WHERE id = {}", index + 1),
        }));
        let error = library.publish(refused.run("refused")).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Statement { index: 7 }, "{error}");
        let unbound = Publish::statements([Statement::new("DO ?, ?").bind(1)]);
        assert_eq!(library.publish(unbound).await.unwrap_err().kind(), &ErrorKind::Statement { index: 0 });
        let two = Publish::statements(["DO 1", "DO 1; DO 2"]);
        assert_eq!(library.publish(two).await.unwrap_err().kind(), &ErrorKind::Statement { index: 1 });
        let none = Publish::statements(Vec::<String>::new());
        assert_eq!(library.publish(none).await.unwrap_err().kind(), &ErrorKind::Request);
        let too_many = counted(1..=3).chunk(10_001);
        assert_eq!(library.publish(too_many).await.unwrap_err().kind(), &ErrorKind::Request);
        assert_eq!(
            beside(|| fleet.number("SELECT COUNT(*) FROM queryfleet_run")),
            0,
            "nothing was published"
        );

        library.publish(counted(1..=10).run("one")).await.unwrap();
        let error = library.publish(counted(1..=10)).await.unwrap_err();
        assert_eq!(error.kind(), &run("one", RunFault::Repeats));
        let error = library.publish(counted(1..=9).run("one")).await.unwrap_err();
        assert_eq!(error.kind(), &run("one", RunFault::Differs));
        let error = library.publish(counted(1..=9).run("a\nb")).await.unwrap_err();
        assert_eq!(error.kind(), &run("a\nb", RunFault::Name));
        let error = library.wait("none").await.unwrap_err();
        assert_eq!(error.kind(), &run("none", RunFault::Unknown));
        let ended = library.wait(Wait::new("one").timeout(Duration::ZERO)).await.unwrap();
        assert_eq!((ended.end, ended.status.state), (End::TimedOut, RunState::Running));
        let error = library.worker().slots(0).run(Drain::default()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Config);
    });
    let misspelt = Library::builder().set("QUERYFLEET_SLOT", "4").build().unwrap_err();
    assert_eq!(misspelt.kind(), &ErrorKind::Config);
    assert!(Library::builder().amqp_url(fleet.amqp_url()).build().is_err(), "there is no database");
    let nobody = fleet.mysql_url().replace("127.0.0.1", "127.0.0.2");
    let nowhere = Library::builder().amqp_url(fleet.amqp_url()).mysql_url(nobody).build().unwrap();
    let error = block(async { nowhere.wait("one").await.unwrap_err() });
    assert_eq!(error.kind(), &ErrorKind::Unavailable(Server::Database), "{error}");
    let secrets = fleet.secrets();
    assert!(!secrets.iter().any(|secret| format!("{error:?}{nowhere:?}").contains(secret.as_str())));
}

#[test]
fn what_is_missing_is_published_again_and_too_many_dead_jobs_halt() {
    let fleet = Fleet::new();
    fleet.make_counters(200);
    let library = library(&fleet);
    block(async {
        library.publish(counted(1..=200).run("lost").chunk(1)).await.unwrap();
        beside(|| fleet.purge_queue());
        let ended = library.run(counted(1..=200).run("lost").chunk(1).missing(), 2).await.unwrap();
        assert_eq!((ended.end, ended.status.done), (End::Done, 200));

        let error = "101%".parse::<Halt>().unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Request);
        assert!(error.to_string().contains("101%"), "{error}");
        let bad =
            |jobs| Publish::statements((0..jobs).map(|id| format!("INSERT INTO nowhere VALUES ({id})")));
        let halting = bad(3000).run("bad").chunk(1).halt("5".parse().unwrap());
        assert_eq!(library.run(halting, 1).await.unwrap().end, End::Halted);
        let mut operator = library.operator().unwrap();
        let holds = operator.holds().await.unwrap();
        assert_eq!((holds.len(), holds[0].by.as_str(), &holds[0].until), (1, "halt", &None));
        operator.resume(holds[0].id).await.unwrap();
        operator.cancel("bad").await.unwrap();
        assert_eq!(library.run(bad(3).run("dead"), 1).await.unwrap().end, End::Dead);
        let better = || Publish::statements(["DO 1", "DO 2", "DO 3"]).run("better").replaces("dead");
        assert_eq!(library.publish(better()).await.unwrap().replaced, 3);
    });
    fleet.assert_each_once();
}

#[test]
fn an_operator_holds_and_repairs() {
    let fleet = Fleet::new();
    fleet.make_counters(2_000);
    let library = library(&fleet);
    block(async {
        let mut operator = library.operator().unwrap();
        assert!(!operator.needs_setup().await.unwrap());
        let hold = operator.pause("the replicas lag", None).await.unwrap();
        let drain = Drain::default();
        let worker = tokio::spawn(library.worker().slots(2).run(drain.clone()));
        library.publish(counted(1..=1_999).run("held")).await.unwrap();
        let wait = Wait::new("held").timeout(Duration::from_secs(3));
        assert_eq!(library.wait(wait).await.unwrap().status.ended(), 0, "nothing begins");
        operator.resume(hold).await.unwrap();
        let error = operator.resume(hold).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Hold);
        assert_eq!(library.wait("held").await.unwrap().end, End::Done);

        let broken =
            Publish::statements(["INSERT INTO later VALUES (1)", "UPDATE t SET n = n + 1 WHERE id = 2000"]);
        let table = "CREATE TABLE later (id INT)";
        // The table is there when it is published, and away when it is executed.
        beside(|| fleet.sql(table));
        let hold = operator.pause("", Some(Duration::from_secs(60))).await.unwrap();
        library.publish(broken.run("broken")).await.unwrap();
        beside(|| fleet.sql("DROP TABLE later"));
        operator.resume(hold).await.unwrap();
        let ended = library.wait("broken").await.unwrap();
        assert_eq!((ended.end, ended.status.done, ended.status.dead), (End::Dead, 1, 1));
        beside(|| fleet.sql(table));
        let replayed = operator.replay("broken").await.unwrap();
        assert_eq!((replayed.jobs, replayed.refused), (1, 0));
        assert_eq!(library.wait("broken").await.unwrap().end, End::Done);
        assert_eq!(beside(|| fleet.number("SELECT COUNT(*) FROM later")), 1);
        let names: Vec<String> = operator.runs(5).await.unwrap().into_iter().map(|run| run.name).collect();
        assert_eq!(names, ["broken", "held"]);
        let error = operator.cancel("held").await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Run { name: "held".into(), fault: RunFault::State });
        drain.begin();
        worker.await.unwrap().unwrap();
    });
    fleet.assert_each_once();
}

#[test]
fn a_worker_that_nobody_awaits_any_more_gives_back_what_it_executes() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    let library = library(&fleet);
    block(async {
        let slow = ["UPDATE t SET n = n + 1 + 0 * SLEEP(3) WHERE id = 1"];
        library.publish(Publish::statements(slow).run("slow")).await.unwrap();
        let mut worker = Box::pin(library.worker().slots(1).run(Drain::default()));
        while beside(|| fleet.number(EXECUTING)) == 0 {
            let a_while = tokio::time::sleep(Duration::from_millis(20));
            tokio::select! { _ = &mut worker => panic!("it has ended"), () = a_while => {} }
        }
        drop(worker);
        let drain = Drain::default();
        let next = tokio::spawn(library.worker().slots(1).run(drain.clone()));
        assert_eq!(library.wait("slow").await.unwrap().end, End::Done);
        drain.begin();
        next.await.unwrap().unwrap();
    });
    fleet.assert_each_once();
}

#[test]
fn the_end_of_one_worker_ends_no_other_of_the_same_drain() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    let library = library(&fleet);
    block(async {
        let slow = ["UPDATE t SET n = n + 1 + 0 * SLEEP(2) WHERE id = 1"];
        library.publish(Publish::statements(slow).run("slow")).await.unwrap();
        let drain = Drain::default();
        let busy = tokio::spawn(library.worker().slots(1).run(drain.clone()));
        while beside(|| fleet.number(EXECUTING)) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let idle = tokio::spawn(library.worker().slots(1).run(drain.clone()));
        let dropped = library.worker().slots(1).run(drain.clone());
        drop(tokio::time::timeout(Duration::from_millis(300), dropped).await);
        assert!(!drain.is_draining());
        drain.begin();
        idle.await.unwrap().unwrap();
        assert_eq!(busy.await.unwrap().unwrap().done, 1, "it has drained, and was not ended");
    });
    fleet.assert_each_once();
}

#[test]
fn not_atomic_statements_have_to_be_asked_for() {
    let fleet = Fleet::new();
    let library = library(&fleet);
    block(async {
        let table = || Publish::statements(["CREATE TABLE made (id INT)"]).run("made");
        let error = library.run(table(), 1).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Statement { index: 0 });
        let ended = library.run(table().not_atomic(NotAtomic::Repeat), 1).await.unwrap();
        assert_eq!(ended.end, End::Done);
    });
    assert_eq!(fleet.number("SELECT COUNT(*) FROM made"), 0);
}

/// An example, built with the tests.
fn example(fleet: &Fleet, name: &str) -> Command {
    let path = queryfleet_tests::program().with_file_name("examples").join(name);
    // `cargo test --workspace` builds them.
    assert!(path.exists(), "cargo build --workspace --examples makes {}", path.display());
    let mut command = Command::new(path);
    for (name, value) in fleet.command(&[]).get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.env("QUERYFLEET_SLOTS", "2");
    command
}

#[test]
fn the_examples_work() {
    let fleet = Fleet::new();
    fleet.sql("CREATE TABLE seen (id INT PRIMARY KEY)");
    let mut worker = example(&fleet, "worker").stdout(std::process::Stdio::piped()).spawn().unwrap();
    let produced = example(&fleet, "producer").args(["seen-1", "2000"]).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&produced.stdout),
        "run seen-1: 2000 jobs published\n2000 done, 0 dead\n"
    );
    assert!(produced.status.success());
    let pid = rustix::process::Pid::from_raw(worker.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    eventually(SOON, "the worker drains", || worker.try_wait().unwrap().is_some());
    let said = std::io::read_to_string(worker.stdout.take().unwrap()).unwrap();
    assert_eq!(said, "2000 jobs done, 2000 rows changed\n");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM seen"), 2000);

    // This one has servers of its own.
    let embedded = example(&fleet, "embed").output().unwrap();
    let said = String::from_utf8_lossy(&embedded.stdout);
    assert!(said.starts_with("Dead: 9997 done, 3 dead\nstatement 9997: Duplicate entry '1'"), "{said}");
    assert!(said.ends_with("3 given up\n") && embedded.status.success(), "{said}");
}
