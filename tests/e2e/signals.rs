//! What each signal does, as docs/reference.md has it.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use queryfleet_tests::{Fleet, Signal, eventually, interrupted};
use rustix::process::{Pid, kill_process};

const SOON: Duration = Duration::from_secs(30);
/// They ask a process to stop.
const STOP: [Signal; 4] = [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT];
/// They ask for nothing.
const NOTHING: [Signal; 2] = [Signal::USR1, Signal::USR2];

/// Waits until this many statements with SLEEP run.
fn sleeping(fleet: &Fleet, count: usize) {
    eventually(SOON, "the statement runs", || fleet.running("SLEEP(") == count);
}

/// A run of one statement that takes as long as the flag says.
fn long(fleet: &Fleet) -> String {
    fleet.make_counters(1);
    fleet.sql("CREATE TABLE flag (seconds INT); INSERT INTO flag VALUES (600)");
    let script =
        fleet.script(["UPDATE t SET n = n + 1 + 0 * SLEEP((SELECT seconds FROM flag)) WHERE id = 1;"]);
    script.to_str().unwrap().to_owned()
}

/// Whether a process has handlers for all of these, as the system tells.
fn catches(process: &Child, signals: &[Signal]) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    let mask = u64::from_str_radix(mask.trim(), 16).unwrap();
    signals.iter().all(|signal| mask >> (signal.as_raw() - 1) & 1 == 1)
}

fn start(mut command: Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_worker_drains_at_every_signal_that_asks_it_to_stop() {
    let fleet = Fleet::new();
    fleet.make_counters(4);
    for (index, signal) in STOP.into_iter().enumerate() {
        let id = index + 1;
        let script = fleet.script([format!("UPDATE t SET n = n + 1 + 0 * SLEEP(2) WHERE id = {id};")]);
        fleet.publish(&script, &format!("{signal:?}"));
        let mut worker = fleet.worker(1);
        sleeping(&fleet, 1);
        for signal in NOTHING {
            worker.signal(signal);
        }
        worker.signal(signal);
        assert_eq!(worker.wait_exit(SOON), Some(0), "{signal:?}");
        // SIGQUIT ends what runs, and gives it back.
        let ended = u64::from(signal != Signal::QUIT);
        assert_eq!(fleet.number(&format!("SELECT n FROM t WHERE id = {id}")), ended, "{signal:?}");
        assert_eq!(u64::from(fleet.ready("")), 1 - ended, "{signal:?}");
    }
    let _next = fleet.worker(1);
    for signal in STOP {
        fleet.wait(&format!("{signal:?}")).expect(0);
    }
    fleet.assert_each_once();
}

#[test]
fn a_run_is_interrupted_by_every_signal_that_asks_it_to_stop() {
    let fleet = Fleet::new();
    let script = long(&fleet);
    for signal in STOP {
        // Far longer than the test, but for the one that does not wait for it.
        let drain = if signal == Signal::QUIT { "10m" } else { "500ms" };
        let mut command = fleet.command(&["run", &script, "--again"]);
        command.args(["--slots", "1"]).env("QUERYFLEET_DRAIN_TIMEOUT", drain);
        let run = start(command);
        sleeping(&fleet, 1);
        for signal in NOTHING {
            kill_process(Pid::from_child(&run), signal).unwrap();
        }
        let began = Instant::now();
        let said = interrupted(run, signal);
        assert!(said.contains("the rest waits in the queue"), "{signal:?}: {said}");
        assert!(began.elapsed() < Duration::from_secs(20), "{signal:?}");
        sleeping(&fleet, 0);
        fleet.purge_queue();
    }
    assert_eq!(fleet.number("SELECT n FROM t"), 0);
}

#[test]
fn whoever_publishes_or_waits_is_interrupted_by_every_signal_that_asks_for_it() {
    let fleet = Fleet::new();
    let script = long(&fleet);
    fleet.publish(script.as_ref(), "waits");
    for signal in STOP {
        for arguments in [&["wait", "waits"][..], &["publish", "-", "--run", "never"], &["plan", "-"]] {
            let command = start(fleet.command(arguments));
            // A session may still be one of the command before it.
            eventually(SOON, "it minds signals", || catches(&command, &NOTHING) && catches(&command, &STOP));
            eventually(SOON, "it has connected", || !fleet.sessions().is_empty());
            for signal in NOTHING {
                kill_process(Pid::from_child(&command), signal).unwrap();
            }
            let said = interrupted(command, signal);
            assert!(
                arguments[0] == "plan" || said.contains("interrupted"),
                "{arguments:?} {signal:?}: {said}"
            );
            eventually(SOON, "it is gone", || fleet.sessions().is_empty());
        }
    }
}

/// `nohup` ignores SIGHUP, and so does what it starts.
#[test]
fn what_nohup_starts_outlives_its_terminal() {
    let fleet = Fleet::new();
    let script = long(&fleet);
    fleet.publish(script.as_ref(), "waits");
    let direct = fleet.command(&["wait", "waits"]);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(direct.get_program()).args(direct.get_args());
    command.env_clear().envs(direct.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let wait = start(command);
    eventually(SOON, "it has connected", || fleet.sessions().len() == 1);
    kill_process(Pid::from_child(&wait), Signal::HUP).unwrap();
    // Once more: had the first one asked for anything, this would find nobody.
    interrupted(wait, Signal::TERM);
}

/// The pod that commands are run in does nothing, and ends at once.
#[test]
fn what_idles_ends_well_at_every_signal_that_asks_it_to_stop() {
    let fleet = Fleet::new();
    for signal in STOP {
        let mut idle = start(fleet.command(&["idle"]));
        eventually(SOON, "it listens", || catches(&idle, &STOP));
        kill_process(Pid::from_child(&idle), signal).unwrap();
        assert_eq!(idle.wait().unwrap().code(), Some(0), "{signal:?}");
    }
}

/// Whether a process has this file open.
fn has_open(process: &Child, path: &str) -> bool {
    let files = std::fs::read_dir(format!("/proc/{}/fd", process.id()));
    files.is_ok_and(|mut files| {
        files.any(|file| {
            file.is_ok_and(|file| std::fs::read_link(file.path()).is_ok_and(|to| to.ends_with(path)))
        })
    })
}

#[test]
fn the_first_look_at_a_large_input_can_be_interrupted() {
    let fleet = Fleet::new();
    fleet.make_counters(1);
    // The whole of it takes far longer than the answer may.
    let statement = "UPDATE t SET n = n + 1 WHERE id = 1;\n";
    let script = fleet.script([statement.repeat(2_000_000)]);
    let path = script.to_str().unwrap();
    for command in ["publish", "plan"] {
        let process = start(fleet.command(&[command, path]));
        eventually(SOON, "the input is read", || has_open(&process, path));
        let asked = Instant::now();
        interrupted(process, Signal::INT);
        assert!(asked.elapsed() < Duration::from_secs(10), "{command} took {:?}", asked.elapsed());
    }
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
}
