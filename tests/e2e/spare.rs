//! A fleet that spares the database: lag of a real replica, load of a real server, and what a query says.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use queryfleet_tests::{Client, Fleet, Link, Proxy, Signal, Worker, eventually};

const SOON: Duration = Duration::from_secs(40);

fn allowed(workers: &[Worker]) -> f64 {
    workers.iter().map(|worker| worker.metric("queryfleet_slots_allowed", &[])).sum()
}

fn governors(workers: &[Worker]) -> f64 {
    workers.iter().map(|worker| worker.metric("queryfleet_governor", &[])).sum()
}

/// What `limit` says of a check.
fn check(fleet: &Fleet, name: &str) -> serde_json::Value {
    let json = fleet.run(&["limit", "--json"]).expect(0).json();
    let checks = json["checks"].as_array().cloned().unwrap_or_default();
    checks
        .into_iter()
        .find(|check| check["check"].as_str().is_some_and(|it| it.contains(name)))
        .unwrap_or_default()
}

#[test]
#[ignore = "make faults: takes long"]
fn outside_load_stops_the_fleet_and_it_resumes_when_that_ends() {
    let fleet = Fleet::with_own_servers();
    let script = fleet.counters(300);
    let workers = [fleet.worker(2), fleet.worker(2)];
    let said = fleet.run(&["limit", "--max-load", "others_running=6,Threads_connected=450"]).expect(0);
    said.says("is limited to others_running below 6, Threads_connected below 450")
        .says("2 of 2 workers obey");
    eventually(SOON, "all may work", || allowed(&workers) == 4.0 && governors(&workers) == 1.0);
    // Others' statements, which begin and end.
    let mut sleepers: Vec<std::process::Child> = Vec::new();
    let mut holder = fleet.client();
    holder.run("DO GET_LOCK('load', 0)").unwrap();
    for _ in 0..8 {
        let mut command = fleet.tool("mariadb");
        command.args(["-e", "DO SLEEP(600 * (IS_USED_LOCK('load') IS NOT NULL))"]);
        sleepers.push(command.spawn().unwrap());
    }
    eventually(SOON, "the fleet stops", || allowed(&workers) == 0.0);
    fleet.publish(&script, "spared");
    let said = fleet.run(&["limit"]).expect(0);
    said.says("its checks allow 0 slots: others_running is").says(", throttles for 0:");
    fleet.run(&["status"]).expect(0).says("others_running is");
    assert_eq!(fleet.ledger("done"), 0);
    let (code, text) = workers[0].get("/readyz");
    assert_eq!(
        (code, text.contains("limited: the queue is throttled: others_running is")),
        (200, true),
        "{text}"
    );
    for sleeper in &mut sleepers {
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
    }
    drop(holder);
    eventually(SOON, "it works again", || allowed(&workers) > 0.0);
    fleet.wait("spared").expect(0);
    fleet.assert_each_once();
    eventually(SOON, "all may work", || allowed(&workers) == 4.0);
    fleet.run(&["limit", "--max-load", "off"]).expect(0).says("is not limited");
}

#[test]
#[ignore = "make faults: takes long"]
fn a_query_stops_the_fleet_and_one_that_fails_does_so_later() {
    let fleet = Fleet::new();
    fleet.sql("CREATE TABLE stop (n INT)");
    let workers = [fleet.worker(2)];
    fleet.run(&["limit", "--throttle-query", "SELECT COUNT(*) FROM stop"]).expect(0).says("a throttle query");
    eventually(SOON, "all may work", || allowed(&workers) == 2.0);
    fleet.sql("INSERT INTO stop VALUES (1), (2)");
    eventually(SOON, "it stops", || allowed(&workers) == 0.0);
    fleet.run(&["limit"]).expect(0).says("the throttle query says 2");
    // Somebody who knows better, for a time.
    fleet
        .run(&["limit", "--ignore", "15m", "--because", "it is only stop"])
        .expect(0)
        .says("checks ignored until");
    eventually(SOON, "it works", || allowed(&workers) == 2.0);
    fleet.run(&["limit", "--ignore", "off"]).expect(0);
    eventually(SOON, "it stops", || allowed(&workers) == 0.0);
    fleet.sql("DELETE FROM stop");
    eventually(SOON, "it works", || allowed(&workers) == 2.0);
    // What cannot be known: 15 seconds later nothing is allowed.
    fleet.sql("DROP TABLE stop");
    let since = Instant::now();
    eventually(SOON, "it stops", || allowed(&workers) == 0.0);
    assert!(since.elapsed() >= Duration::from_secs(13), "{:?}", since.elapsed());
    fleet.run(&["limit"]).expect(0).says("the throttle query is not known for");
    fleet.run(&["limit", "--throttle-query", "off"]).expect(0);
    eventually(SOON, "it is forgotten at once", || allowed(&workers) == 2.0);
}

/// A service that answers every request with this status; 0: it does not answer.
struct Service {
    address: String,
    status: Arc<AtomicU16>,
}

impl Service {
    fn new() -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let status = Arc::new(AtomicU16::new(200));
        let answers = status.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, answers) = (stream.unwrap(), answers.clone());
                std::thread::spawn(move || {
                    let mut request = [0; 4096];
                    while let Ok(1..) = stream.read(&mut request) {
                        assert!(request.starts_with(b"HEAD /check/app"));
                        let status = answers.load(Ordering::Relaxed);
                        let elsewhere = "Location: http://127.0.0.1:1/\r\n";
                        let answer = format!("HTTP/1.1 {status} x\r\n{elsewhere}Content-Length: 0\r\n\r\n");
                        if status > 0 && stream.write_all(answer.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Service { address, status }
    }

    fn says(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }
}

#[test]
#[ignore = "make faults: takes long"]
fn a_service_stops_the_fleet_and_one_that_does_not_answer_does_so_later() {
    let fleet = Fleet::new();
    let service = Service::new();
    let url = format!("http://{}/check/app/mysql/c1", service.address);
    let workers = [fleet.worker(2)];
    fleet.run(&["limit", "--throttle-http", &url]).expect(0).says("an HTTP check");
    eventually(SOON, "all may work", || allowed(&workers) == 2.0);
    for status in [429, 500, 302, 204] {
        service.says(status);
        let since = Instant::now();
        eventually(SOON, "it stops", || allowed(&workers) == 0.0);
        assert!(since.elapsed() < Duration::from_secs(3), "{status}: {:?}", since.elapsed());
        fleet.run(&["limit"]).expect(0).says(&format!("the HTTP check says {status}"));
        service.says(200);
        eventually(SOON, "it works", || allowed(&workers) == 2.0);
    }
    // It hangs.
    service.says(0);
    let since = Instant::now();
    eventually(SOON, "it stops", || allowed(&workers) == 0.0);
    assert!(since.elapsed() >= Duration::from_secs(13), "{:?}", since.elapsed());
    fleet.run(&["limit"]).expect(0).says("it does not answer within a second");
    service.says(200);
    eventually(SOON, "it works", || allowed(&workers) == 2.0);
    // Nobody is there: nothing is known from the beginning, so nothing is allowed.
    fleet.run(&["limit", "--throttle-http", "http://127.0.0.1:1/check"]).expect(0);
    eventually(SOON, "it stops", || allowed(&workers) == 0.0);
    fleet.run(&["limit"]).expect(0).says("the HTTP check is not known for").says("onnect");
    fleet.run(&["limit", "--throttle-http", "off"]).expect(0);
    eventually(SOON, "it is forgotten at once", || allowed(&workers) == 2.0);
}

#[test]
fn replicas_are_found_and_tried() {
    let fleet = Fleet::with_replica();
    fleet.run(&["setup"]).expect(0);
    let url = fleet.replica_url();
    let replica = url.split(['@', '/']).find(|part| part.starts_with("127.0.0.1:")).unwrap();
    // Accounts are replicated, as everything else.
    let url = fleet.mysql_url();
    let (_, server) = url.split_once('@').unwrap();
    let registered = if fleet.is_mysql() { "REPLICATION SLAVE" } else { "REPLICATION MASTER ADMIN" };
    let account = |name: &str, rights: &str| {
        fleet.sql(&format!("CREATE USER {name} IDENTIFIED BY 'to be found'"));
        fleet.sql(&format!("GRANT {rights} ON *.* TO {name}"));
        format!("mysql://{name}:to%20be%20found@{server}")
    };
    let (finder, blind) =
        (account("finder", &format!("SELECT, PROCESS, {registered}")), account("blind", "SELECT"));
    let discover = |url: &str| fleet.run_with(&["limit", "--discover"], &[("QUERYFLEET_MYSQL_URL", url)]);
    eventually(SOON, "it has the account", || discover(&finder).code == 0);
    let said = discover(&finder).says(&format!("{replica}: its lag can be looked at"));
    said.says(&format!("QUERYFLEET_REPLICAS=mysql://USER:PASSWORD@{replica}/DATABASE"));
    let variables = [("QUERYFLEET_MYSQL_URL", finder.as_str())];
    let json = fleet.run_with(&["limit", "--discover", "--json"], &variables).expect(0).json();
    assert_eq!((json[0]["replica"].as_str(), json[0]["error"].as_str()), (Some(replica), None));
    discover(&blind).expect(1).says("an account needs PROCESS and REPLICATION SLAVE");
    fleet.replica().freeze();
    discover(&finder).expect(1).says(replica).says("within 5 s");
    fleet.replica().thaw();
}

#[test]
fn a_critical_load_holds_the_queue_until_somebody_lifts_that() {
    let fleet = Fleet::with_own_servers();
    let workers = [fleet.worker(2)];
    workers[0].serves();
    fleet
        .run(&["limit", "--critical-load", "Threads_connected=30"])
        .expect(0)
        .says("held at Threads_connected 30");
    let clients: Vec<_> = (0..30).map(|_| fleet.client()).collect();
    eventually(SOON, "it is held", || workers[0].metric("queryfleet_held", &[]) == 1.0);
    fleet.run(&["status"]).expect(0).says("by critical load: critical Threads_connected reached 30");
    drop(clients);
    fleet.run(&["limit", "--critical-load", "off"]).expect(0);
    fleet.run(&["resume"]).expect(0);
    eventually(SOON, "it works", || workers[0].metric("queryfleet_held", &[]) == 0.0);
}

#[test]
fn another_worker_makes_the_checks_when_the_holder_is_killed_or_frozen() {
    let fleet = Fleet::new();
    let mut workers: Vec<Worker> = (0..3).map(|_| fleet.worker(1)).collect();
    fleet.run(&["limit", "--max-load", "Threads_connected=400"]).expect(0);
    eventually(SOON, "one makes the checks", || governors(&workers) == 1.0 && allowed(&workers) == 3.0);
    let term = || fleet.number("SELECT CAST(term AS UNSIGNED) FROM queryfleet_governor");
    let holder = |workers: &[Worker]| {
        workers.iter().position(|worker| worker.metric("queryfleet_governor", &[]) == 1.0).unwrap()
    };
    let before = term();
    let index = holder(&workers);
    workers.remove(index).kill();
    let since = Instant::now();
    eventually(SOON, "another one does", || term() == before + 1);
    assert!(since.elapsed() < Duration::from_secs(6), "{:?}", since.elapsed());
    eventually(SOON, "it is one of these", || governors(&workers) == 1.0);
    // One that is frozen writes nothing when it thaws.
    let index = holder(&workers);
    let frozen = workers.remove(index);
    frozen.signal(Signal::STOP);
    eventually(SOON, "another one does", || term() == before + 2);
    frozen.signal(Signal::CONT);
    eventually(SOON, "it knows", || frozen.metric("queryfleet_governor", &[]) == 0.0);
    eventually(SOON, "one of two", || governors(&workers) == 1.0);
    assert_eq!(term(), before + 2);
    workers.push(frozen);
    eventually(SOON, "they may work", || allowed(&workers) == 2.0);
}

/// A worker with a way of its own to the database.
fn with_own_way(fleet: &Fleet) -> (Worker, Proxy) {
    let proxy = Proxy::to(&fleet.mysql_url());
    let worker = fleet.worker_with(1, &[("QUERYFLEET_MYSQL_URL", &proxy.url(&fleet.mysql_url()))]);
    worker.serves();
    (worker, proxy)
}

#[test]
#[ignore = "make faults: two minutes"]
fn twenty_holders_in_a_row_are_followed_and_write_nothing_afterwards() {
    let fleet = Fleet::new();
    let mut workers: Vec<(Worker, Proxy)> = (0..3).map(|_| with_own_way(&fleet)).collect();
    fleet.run(&["limit", "--max-load", "Threads_connected=400"]).expect(0);
    let term = || fleet.number("SELECT CAST(term AS UNSIGNED) FROM queryfleet_governor");
    let governs = |worker: &Worker| worker.metric("queryfleet_governor", &[]) == 1.0;
    for round in 0..20 {
        let others =
            |workers: &[(Worker, Proxy)]| workers.iter().filter(|(worker, _)| governs(worker)).count();
        eventually(SOON, "one makes the checks", || others(&workers) == 1);
        let index = workers.iter().position(|(worker, _)| governs(worker)).unwrap();
        let (mut holder, proxy) = workers.remove(index);
        let before = term();
        let since = Instant::now();
        match round % 3 {
            0 => holder.kill(),
            1 => holder.signal(Signal::STOP),
            _ => proxy.set(Link { stalled: true, ..Link::default() }),
        }
        eventually(SOON, "another one does", || term() > before);
        let took = since.elapsed();
        assert!(took < Duration::from_millis(4500), "round {round}: {took:?}");
        match round % 3 {
            0 => workers.push(with_own_way(&fleet)),
            1 => {
                holder.signal(Signal::CONT);
                eventually(SOON, "it knows that it was followed", || !governs(&holder));
                workers.push((holder, proxy));
            }
            _ => {
                proxy.set(Link::default());
                eventually(SOON, "it knows that it was followed", || !governs(&holder));
                workers.push((holder, proxy));
            }
        }
        assert_eq!(term(), before + 1, "round {round}: the one that was followed has written nothing");
    }
}

/// Jobs that take 0.1 s on the primary and 40 ms on the replica, serially: it bears 25 jobs per second.
const SLOW_ON_THE_REPLICA: &str = "CREATE TRIGGER slow BEFORE UPDATE ON t FOR EACH ROW \
     SET NEW.n = NEW.n + 0 * SLEEP(0.04)";

#[test]
#[ignore = "make faults: takes long"]
fn the_lag_of_a_replica_stays_below_its_limit_and_the_replica_is_used() {
    const LIMIT: f64 = 3.0;
    const SECONDS: u64 = 60;
    let fleet = Fleet::with_replica();
    fleet.make_counters(6000);
    let mut replica = Client::connect(&fleet.replica_url());
    eventually(SOON, "the replica has the rows", || {
        replica.try_rows::<(u64,)>("SELECT COUNT(*) FROM t").is_ok_and(|rows| rows[0].0 == 6000)
    });
    if fleet.is_mysql() {
        // Its triggers never fire by row events: the statements themselves are replicated, by one applier.
        fleet.sql("SET GLOBAL binlog_format = STATEMENT");
        fleet
            .replica()
            .query("STOP REPLICA; SET GLOBAL replica_parallel_workers = 1; START REPLICA")
            .unwrap();
    } else {
        // Row events fire triggers on a replica only with this setting.
        fleet.replica().query("SET GLOBAL slave_run_triggers_for_rbr = YES").unwrap();
        replica.run(SLOW_ON_THE_REPLICA).unwrap();
    }
    let bears = if fleet.is_mysql() { 10.0 } else { 25.0 };
    let job = |id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP(0.1) WHERE id = {id};");
    let script = fleet.script((1..=6000).map(job));
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "spared", "--chunk", "1"]).expect(0);
    let replicas = fleet.replica_url();
    let replicas = [("QUERYFLEET_REPLICAS", replicas.as_str())];
    fleet.run(&["limit", "--max-lag", "3s"]).expect(1).says("QUERYFLEET_REPLICAS names no replica");
    fleet.run_with(&["limit", "--max-lag", "3s"], &replicas).expect(0).says("a lag below 3 s");
    let workers: Vec<Worker> = (0..5).map(|_| fleet.worker_with(4, &replicas)).collect();
    eventually(SOON, "jobs are done", || fleet.ledger("done") > 0);
    // The lag as the rows themselves say it: jobs that are done and not there yet, at what the replica bears per second.
    let mut primary = fleet.client();
    let (begun, since) = (fleet.ledger("done"), Instant::now());
    let mut worst: f64 = 0.0;
    while since.elapsed() < Duration::from_secs(SECONDS) {
        let there = replica.rows::<(u64,)>("SELECT COUNT(*) FROM queryfleet_ledger").remove(0).0;
        let done = primary.rows::<(u64,)>("SELECT COUNT(*) FROM queryfleet_ledger").remove(0).0;
        worst = worst.max(done.saturating_sub(there) as f64 / bears);
        std::thread::sleep(Duration::from_millis(100));
    }
    let rate = (fleet.ledger("done") - begun) as f64 / since.elapsed().as_secs_f64();
    let said = check(&fleet, "lag");
    assert!(worst <= LIMIT + 0.5, "{worst} s of lag, {rate} jobs/s, {said}");
    // Without a limit they would be 200/s.
    assert!(rate >= 0.6 * bears, "{worst} s of lag, {rate} jobs/s, {said}");
    println!("it bears {bears} jobs/s: {worst} s of lag, {rate} jobs/s");
    eventually(SOON, "one makes the checks", || governors(&workers) == 1.0);
    // One that stands still: held within the limit and two seconds, named.
    let stop = if fleet.is_mysql() { "STOP REPLICA SQL_THREAD" } else { "STOP SLAVE SQL_THREAD" };
    fleet.replica().query(stop).unwrap();
    let since = Instant::now();
    eventually(SOON, "nothing is allowed", || allowed(&workers) == 0.0);
    assert!(since.elapsed() < Duration::from_secs_f64(LIMIT + 3.0), "{:?}", since.elapsed());
    let name = replicas[0].1.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
    fleet.run(&["limit"]).expect(0).says(&format!("lag of {name} is"));
    // It is left out, and the fleet goes on with the others, of which there are none.
    fleet.run_with(&["limit", "--without", &name], &replicas).expect(1).says("no replica is left to look at");
    fleet.run(&["limit", "--max-lag", "off"]).expect(0);
    eventually(SOON, "all may work", || allowed(&workers) == 20.0);
    fleet.run(&["cancel", "spared"]).expect(0);
}

/// To connect to it takes longer than a look may.
#[test]
fn a_replica_that_is_far_away_is_looked_at() {
    let fleet = Fleet::with_replica();
    let script = fleet.counters(20);
    let proxy = Proxy::to(&fleet.replica_url());
    proxy.set(Link { delay: Duration::from_millis(150), ..Link::default() });
    let url = proxy.url(&fleet.replica_url());
    let replicas = [("QUERYFLEET_REPLICAS", url.as_str())];
    let workers = [fleet.worker_with(2, &replicas)];
    fleet.run_with(&["limit", "--max-lag", "5s"], &replicas).expect(0);
    eventually(SOON, "all may work", || allowed(&workers) == 2.0);
    fleet.publish(&script, "far");
    fleet.wait("far").expect(0);
    fleet.assert_each_once();
}

#[test]
#[ignore = "make faults: takes long"]
fn a_fleet_whose_checks_never_come_to_their_end_begins_nothing() {
    let fleet = Fleet::with_own_servers();
    let proxy = Proxy::to(&fleet.mysql_url());
    let url = proxy.url(&fleet.mysql_url());
    let slow = [("QUERYFLEET_MYSQL_URL", url.as_str())];
    let workers = [fleet.worker_with(2, &slow), fleet.worker_with(2, &slow)];
    fleet.run(&["limit", "--max-load", "Threads_connected=450"]).expect(0);
    eventually(SOON, "all may work", || allowed(&workers) == 4.0 && governors(&workers) == 1.0);
    // Each question takes 0.8 s: whoever makes the checks is not done before he has to be heard of, and others take over.
    proxy.set(Link { delay: Duration::from_millis(400), ..Link::default() });
    eventually(SOON, "nothing is allowed", || allowed(&workers) == 0.0);
    proxy.set(Link::default());
    eventually(SOON, "all may work", || allowed(&workers) == 4.0);
}

#[test]
#[ignore = "make faults: takes long"]
fn a_replica_that_is_cut_off_is_not_taken_for_one_without_lag() {
    let fleet = Fleet::with_replica();
    let proxy = Proxy::to(&fleet.replica_url());
    let url = proxy.url(&fleet.replica_url());
    let replicas = [("QUERYFLEET_REPLICAS", url.as_str())];
    let workers = [fleet.worker_with(2, &replicas)];
    fleet.run_with(&["limit", "--max-lag", "5s"], &replicas).expect(0);
    eventually(SOON, "all may work", || governors(&workers) == 1.0 && allowed(&workers) == 2.0);
    proxy.blackhole();
    proxy.set(Link { stalled: true, ..Link::default() });
    let since = Instant::now();
    eventually(SOON, "nothing is allowed", || allowed(&workers) == 0.0);
    let took = since.elapsed();
    assert!(took > Duration::from_secs(9) && took < Duration::from_secs(20), "{took:?}");
    proxy.set(Link::default());
    proxy.cut();
    // A worker that has seen no replica leaves the checks to others for a minute; there are none.
    eventually(Duration::from_secs(90), "it works again", || allowed(&workers) > 0.0);
}

/// A time of day in UTC, so many minutes from now by the server's clock.
fn in_minutes(fleet: &Fleet, minutes: i32) -> String {
    let query = format!("SELECT DATE_FORMAT(UTC_TIMESTAMP() + INTERVAL {minutes} MINUTE, '%H:%i')");
    fleet.rows::<(String,)>(&query).remove(0).0
}

#[test]
#[ignore = "make faults: takes long"]
fn jobs_begin_only_in_the_hours_of_the_window() {
    let fleet = Fleet::new();
    fleet.make_counters(200);
    let job = |id| format!("UPDATE t SET n = n + 1 + 0 * SLEEP(0.1) WHERE id = {id};");
    let script = fleet.script((1..=200).map(job));
    let workers = [fleet.worker(1)];
    workers[0].serves();
    let window = |from: i32, to: i32| format!("{}-{} UTC", in_minutes(&fleet, from), in_minutes(&fleet, to));
    let later = window(120, 180);
    fleet.run(&["limit", "--window", &later]).expect(0).says(&format!("is limited to window {later}"));
    eventually(SOON, "it is closed", || allowed(&workers) == 0.0);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "night", "--chunk", "1"]).expect(0);
    let (code, text) = workers[0].get("/readyz");
    assert_eq!((code, text), (200, format!("ok\nlimited: the window {later} is closed\n")));
    // It closes by the clock, some seconds from now: the margin is what is left of it then.
    let end = in_minutes(&fleet, 60);
    let left = fleet
        .number(&format!("SELECT MOD(TIME_TO_SEC('{end}:00') - TIME_TO_SEC(UTC_TIME()) + 86400, 86400)"));
    let now = format!("{}-{end} UTC", in_minutes(&fleet, -60));
    let margin = format!("{}s", left - 6);
    fleet.run(&["limit", "--window", &now, "--window-margin", &margin]).expect(0);
    let closes = Instant::now() + Duration::from_secs(6);
    eventually(SOON, "jobs are done", || fleet.ledger("done") > 5);
    eventually(SOON, "it is closed", || allowed(&workers) == 0.0);
    assert!(Instant::now() < closes + Duration::from_secs(3));
    let seen = || fleet.number("SELECT ROUND(1000 * UNIX_TIMESTAMP(MAX(seen))) FROM queryfleet_worker");
    let looks = || {
        let later = seen() + 1500;
        eventually(SOON, "it has looked", || seen() > later);
    };
    // One may have passed the gate just before, and not have begun yet.
    looks();
    eventually(SOON, "what began has ended", || workers[0].metric("queryfleet_jobs_in_flight", &[]) == 0.0);
    let started = workers[0].metric("queryfleet_jobs_started_total", &[]);
    assert!(started < 100.0, "{started}");
    looks();
    assert_eq!(workers[0].metric("queryfleet_jobs_started_total", &[]), started);
    for (bad, code) in [("25:00-06:00 UTC", 2), ("22:00-06:00 Nowhere", 2), ("22:00-06:00", 2)] {
        fleet.run(&["limit", "--window", bad]).expect(code);
    }
    fleet.run(&["limit", "--window-margin", "3h"]).expect(1).says("never opens");
    fleet.run(&["limit", "--window", "off", "--window-margin", "off"]).expect(0).says("is not limited");
    fleet.wait("night").expect(0);
    fleet.assert_each_once();
}

#[test]
fn checks_that_cannot_be_made_are_refused_and_change_nothing() {
    let fleet = Fleet::new();
    for (bad, why) in [
        (["--max-load", "Threads_runing=25"], "no number Threads_runing"),
        (["--throttle-query", "DELETE FROM queryfleet_run"], "not one SELECT"),
        (["--throttle-query", "SELECT 1; SELECT 2"], "not one SELECT"),
        (["--throttle-query", "SELECT 1, 2"], "one row of one number"),
        (["--throttle-query", "SELECT SLEEP(3)"], "longer than a second"),
        (["--throttle-query", "SELECT nothing"], "nothing"),
    ] {
        fleet.run(&["limit", bad[0], bad[1]]).expect(1).says(why);
    }
    for bad in [["--max-lag", "5"], ["--max-lag", "500ms"], ["--max-load", "x=0"], ["--ignore", "soon"]] {
        fleet.run(&["limit", bad[0], bad[1]]).expect(2);
    }
    let nowhere = [("QUERYFLEET_REPLICAS", "mysql://u:secret@127.0.0.1:1/x")];
    let said = fleet.run_with(&["limit", "--max-lag", "5s"], &nowhere).expect(1).says("127.0.0.1:1");
    assert!(!said.err.contains("secret"));
    fleet.run(&["limit", "--json"]).expect(0).says("\"version\":0");
}
