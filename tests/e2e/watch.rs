//! The fleet on the whole screen, as a person at a terminal sees and drives it.

use std::time::Duration;

use queryfleet_tests::{Fleet, Link, Proxy, Terminal, eventually};

const SOON: Duration = Duration::from_secs(30);
/// The smallest that has to be enough.
const SMALL: (u16, u16) = (80, 24);

/// A run of one job that ends, one that does not, and one that dies.
fn busy(fleet: &Fleet) {
    fleet.make_counters(3);
    let script = fleet.script([
        "UPDATE t SET n = n + 1 WHERE id = 1;",
        "UPDATE nowhere SET n = 1 WHERE id = 2;",
        "UPDATE t SET n = n + 1 + 0 * SLEEP(40) WHERE id = 3;",
    ]);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "nightly", "--chunk", "1"]).expect(0);
    eventually(SOON, "one is dead and one runs", || {
        fleet.ledger("dead") == 1 && fleet.running("SLEEP(40)") == 1
    });
}

#[test]
fn a_person_sees_the_fleet_and_drives_it() {
    let fleet = Fleet::new();
    let worker = fleet.worker(2);
    busy(&fleet);
    let terminal = Terminal::new(&fleet, SMALL, &[]);
    terminal.types("queryfleet watch\n");
    terminal.shows("queue default").shows("1 worker, 1 of 2 slots busy").shows("RUNNING");
    terminal.shows("> nightly").shows(" 66 % [======    ]").shows(&format!(":{}", worker.pid()));
    terminal.types("\t").shows("CONNECTION").shows_that("the statement", |screen| {
        screen.lines().any(|line| {
            line.starts_with("nightly ") && line.contains(" s ") && line.contains(" UPDATE t SET")
        })
    });
    terminal.types("\r").shows("1 of 3 done, 1 dead, 0 cancelled").shows("dead: 1 job by 1146");
    // Where its line is broken depends on the numbers in it.
    terminal.shows("running: job 3 for ").shows_that("the statement", |screen| {
        let words: Vec<&str> = screen.split_whitespace().collect();
        words.join(" ").contains(": UPDATE t SET n = n + 1 + 0 * SLEEP(40) WHERE id = 3")
    });
    terminal.shows("queryfleet dead list --run nightly --jobs");
    terminal.types("\u{1b}").shows("> nightly");

    terminal.types("p").shows("Hold the queue").types("replicas lag");
    terminal.shows("queryfleet pause --because \"replicas lag\"").types("\r");
    terminal.shows("1 of 1 worker obey the hold").shows("HELD").shows(": replicas lag (since ");
    assert_eq!(fleet.run(&["status"]).expect(0).out.matches("replicas lag").count(), 1);
    terminal.types("p").shows("queryfleet resume 1").types("\r").shows("RUNNING");

    terminal.types("s0").shows("a fleet without slots is held").types("\r\u{7f}40").shows("limit --slots 40");
    terminal.types("\r").shows("limited to 40 slots");
    terminal.types("r").shows("500/s").types("600/min\r").shows("10 jobs/s");
    terminal.types("a").shows("run nightly has no canary");
    terminal.types("\t").shows("DETAIL").shows("limit");

    terminal.types("c").shows("type the run's name, nightly:").types("nightl\r").shows("the whole name");
    assert_eq!(fleet.rows::<String>("SELECT state FROM queryfleet_run"), ["published"]);
    terminal.types("\u{1b}").shows_that("no question", |screen| !screen.contains("Cancel for good"));
    fleet.run(&["limit", "--slots", "off", "--rate", "off"]).expect(0);
    terminal.shows_that("no limit", |screen| !screen.contains("limited to"));
    terminal.types("?").shows("lift a hold").types("\u{1b}");
    terminal.types("q").gives_the_shell_back();
    assert!(terminal.printed().contains("\u{1b}[38;5;"), "it had colours");
}

#[test]
fn a_cancelled_run_is_named_and_a_view_to_read_changes_nothing() {
    let fleet = Fleet::new();
    fleet.run(&["setup"]).expect(0);
    let script = fleet.script(["DO 1;"]);
    fleet.publish(&script, "first");
    let terminal = Terminal::new(&fleet, SMALL, &[("NO_COLOR", "1")]);
    terminal.types("queryfleet watch --read-only\n").shows("> first").shows("NO WORKER");
    for key in ["p", "s", "r", "c", "a"] {
        terminal.types("?").types("\u{1b}");
        terminal.shows_that("no answer", |screen| !screen.contains("--read-only: nothing"));
        terminal.types(key).shows("--read-only: nothing is changed here");
    }
    terminal.types("q").gives_the_shell_back();
    terminal.types("queryfleet watch\n").shows("> first").types("cfirst").shows("queryfleet cancel");
    terminal.types("\r").shows_that("what came of it", |screen| {
        let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        words.contains("run first: cancelled; 0 jobs done, 0 dead, 1 cancelled")
    });
    terminal.types("\u{3}").gives_the_shell_back();
    let coloured = regex::Regex::new("\u{1b}\\[([0-9;]*;)?(3[0-7]|9[0-7]|38;[0-9;]*|4[0-7])m").unwrap();
    assert!(!coloured.is_match(&terminal.printed()), "{:?}", terminal.printed());
}

#[test]
fn the_terminal_comes_back_as_it_was_whatever_happens() {
    let fleet = Fleet::new();
    fleet.run(&["setup"]).expect(0);
    let terminal = Terminal::new(&fleet, SMALL, &[]);
    let settings = |terminal: &Terminal, mark: &str| {
        terminal.types(&format!("clear; stty -g; echo {mark}$?\n")).shows(&format!("\n{mark}0"));
        terminal.screen().lines().find(|line| line.contains(':')).map(str::to_owned)
    };
    let before = settings(&terminal, "a");
    assert!(before.is_some());
    terminal.types("queryfleet watch\n").shows("NO WORKER");
    assert!(terminal.is_taken_over());
    for size in [(120, 40), (40, 10), (20, 5), SMALL] {
        terminal.resize(size);
        terminal.shows(" queryfleet");
    }
    terminal.shows("q quit");
    // Ctrl-Z, and fg.
    terminal.types("\u{1a}").shows("Stopped").gives_the_shell_back();
    assert_eq!(settings(&terminal, "b"), before);
    terminal.types("fg\n").shows("NO WORKER");
    assert!(terminal.is_taken_over());
    // By somebody else.
    signal(&terminal, "STOP");
    terminal.shows("Stopped").types("fg\n").shows("NO WORKER");
    signal(&terminal, "TERM");
    terminal.gives_the_shell_back();
    assert_eq!(settings(&terminal, "c"), before);
    // In a panic.
    terminal.types("FAILPOINTS='watch-draw=2*off->panic(drawn)' queryfleet watch\n").shows("panicked at");
    terminal.gives_the_shell_back();
    assert_eq!(settings(&terminal, "d"), before);
}

/// Sends a signal to the `watch` of a terminal: other tests have theirs.
fn signal(terminal: &Terminal, signal: &str) {
    let session = terminal.session().to_string();
    let sent = std::process::Command::new("pkill")
        .args([&format!("-{signal}"), "-s", &session, "-f", "queryfleet-under-test watch$"])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn a_picture_without_the_database_is_grey_and_says_its_age() {
    let fleet = Fleet::new();
    let proxy = Proxy::to(&fleet.mysql_url());
    let _worker = fleet.worker(1);
    let url = proxy.url(&fleet.mysql_url());
    let terminal = Terminal::new(&fleet, SMALL, &[("QUERYFLEET_MYSQL_URL", &url)]);
    terminal.types("queryfleet watch\n").shows("IDLE");
    assert!(!terminal.is_dim("WORKER"));
    proxy.set(Link { stalled: true, ..Link::default() });
    terminal.shows("as of 4 s ago").shows("IDLE");
    // A picture comes in pieces, from its top.
    eventually(SOON, "the workers are grey", || terminal.is_dim("WORKER"));
    proxy.set(Link::default());
    terminal.shows_that("it is fresh again", |screen| !screen.contains("as of"));
    eventually(SOON, "the workers are not grey", || !terminal.is_dim("WORKER"));
}

#[test]
fn one_picture_needs_no_terminal() {
    let fleet = Fleet::new();
    let _worker = fleet.worker(2);
    busy(&fleet);
    let once = || fleet.run(&["watch", "--once"]).expect(0);
    // As the worker says at its next heartbeat.
    eventually(SOON, "it is busy", || once().out.contains("1 worker, 1 of 2 slots busy"));
    let said = once().says("RUNNING  waiting: 0 messages").says("nightly");
    assert!(!said.out.contains('\u{1b}'));
    fleet.run(&["watch"]).expect(2).says("queryfleet status --json");
}

#[test]
fn a_run_that_is_open_is_on_the_screen_however_many_have_ended_since() {
    let fleet = Fleet::new();
    fleet.publish(&fleet.script(["DO 1;"]), "ancient");
    let row = |number: u32| {
        format!(
            "INSERT INTO queryfleet_run (id, name, queue, state, total, digest, chunk) \
             SELECT MAX(id) + 1, 'short-{number}', 'default', 'cancelled', 1, REPEAT('x', 32), 1 FROM queryfleet_run"
        )
    };
    (1..=30).for_each(|number| fleet.sql(&row(number)));
    let frame = fleet.run(&["watch", "--once"]).expect(0).out;
    assert!(frame.contains("ancient") && frame.contains("short-30"), "{frame}");
}
