//! Output that cannot be written, and output that a terminal would obey.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

use queryfleet_tests::{Fleet, Output, Signal};
use rustix::process::{Pid, kill_process};

/// Where nothing can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nowhere {
    /// A pipe that nobody reads any more, as in `| head -1`.
    Pipe,
    /// A full disk.
    Full,
    /// It was closed before the start, as by `>&-`.
    Closed,
}

impl Nowhere {
    const ALL: [Nowhere; 3] = [Nowhere::Pipe, Nowhere::Full, Nowhere::Closed];

    fn open(self) -> Stdio {
        match self {
            Nowhere::Pipe => std::io::pipe().unwrap().1.into(),
            Nowhere::Full => OpenOptions::new().write(true).open("/dev/full").unwrap().into(),
            // The shell closes it.
            Nowhere::Closed => Stdio::piped(),
        }
    }
}

/// Which of the two outputs leads nowhere.
const SIDES: [(bool, bool); 3] = [(true, false), (false, true), (true, true)];

/// The program with its outputs leading nowhere, each or both.
fn command(fleet: &Fleet, arguments: &[&str], nowhere: Nowhere, (out, err): (bool, bool)) -> Command {
    let direct = fleet.command(arguments);
    let mut command = Command::new("sh");
    let closed = |side: bool, text| if side && nowhere == Nowhere::Closed { text } else { "" };
    command.arg("-c").arg(format!("exec \"$0\" \"$@\" {} {}", closed(out, ">&-"), closed(err, "2>&-")));
    command.arg(direct.get_program()).args(direct.get_args()).env_clear();
    command.envs(direct.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdout(if out { nowhere.open() } else { Stdio::piped() });
    command.stderr(if err { nowhere.open() } else { Stdio::piped() });
    command.stdin(Stdio::null());
    command
}

fn run(fleet: &Fleet, arguments: &[&str], nowhere: Nowhere, side: (bool, bool)) -> Output {
    let output = command(fleet, arguments, nowhere, side).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Output { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs a command every way; its exit code is that of what it has done, and nothing else that it says is lost.
fn nowhere(fleet: &Fleet, arguments: &[&str], code: i32, shows: bool) {
    for nowhere in Nowhere::ALL {
        for side in SIDES {
            let output = run(fleet, arguments, nowhere, side);
            let what = format!("{arguments:?} {nowhere:?} {side:?}: {output:?}");
            // Nobody is told of a pipe's end: who closes it has read enough. What is closed counts as /dev/null.
            let lost = side.0 && nowhere == Nowhere::Full && !(code == 2 || arguments[0] == "purge");
            let wanted = if lost && shows && code == 0 { 1 } else { code };
            assert_eq!(output.code, wanted, "{what}");
            assert!(!output.err.contains("panicked"), "{what}");
            if lost && !side.1 && code != 1 {
                assert!(output.err.contains("cannot write to standard output: No space left"), "{what}");
            } else {
                assert!(!output.err.contains("cannot write"), "{what}");
            }
        }
    }
}

#[test]
#[ignore = "make faults: takes long"]
fn no_command_minds_where_its_output_goes() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    let good = fleet.script(["UPDATE t SET n = n + 1 WHERE id = 1;"]);
    let bad = fleet.script(["UPDATE t SET n = n + 1 WHERE id = 2;", "INSERT INTO t (id) VALUES (1);"]);
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    fleet.run(&["run", good, "--run", "good"]).expect(0);
    fleet.run(&["run", bad, "--run", "bad"]).expect(3);
    fleet.run(&["publish", good, "--run", "waits"]).expect(0);
    for (arguments, code, shows) in [
        (&["--help"][..], 0, true),
        (&["publish", "--help"], 0, true),
        (&["--version"], 0, true),
        (&["generate", "completions", "bash"], 0, true),
        (&["publish"], 2, false),
        (&["setup"], 0, false),
        (&["doctor"], 0, true),
        (&["doctor", "--json"], 0, true),
        (&["plan", good], 0, true),
        (&["plan", good, "--json"], 0, true),
        (&["publish", good, "--run", "good"], 0, false),
        (&["publish", good, "--run", "good", "--json"], 0, false),
        (&["publish", "no such file"], 1, false),
        (&["wait", "good"], 0, false),
        (&["wait", "good", "--json"], 0, false),
        (&["wait", "bad"], 3, false),
        (&["wait", "waits", "--timeout", "100ms"], 5, false),
        (&["status"], 0, true),
        (&["status", "bad", "--json"], 0, true),
        (&["status", "no such run"], 1, true),
        (&["dead", "list"], 0, true),
        (&["dead", "list", "--json"], 0, true),
        (&["dead", "show", "bad", "2"], 0, true),
        (&["dead", "show", "bad", "2", "--json"], 0, true),
        (&["dead", "replay", "--all", "--dry-run"], 0, true),
        (&["dead", "replay", "--code", "9999"], 0, false),
        (&["dead", "discard", "--code", "9999"], 0, false),
        (&["purge", "good"], 1, false),
        (&["cancel", "waits"], 0, false),
        (&["wait", "waits"], 4, false),
    ] {
        nowhere(&fleet, arguments, code, shows);
    }
}

#[test]
fn a_run_whose_output_nobody_reads_comes_to_its_end() {
    let fleet = Fleet::new();
    let ways = Nowhere::ALL.iter().flat_map(|nowhere| SIDES.map(|side| (*nowhere, side)));
    for (nowhere, side) in ways {
        let good = fleet.counters(50);
        let output = run(&fleet, &["run", good.to_str().unwrap(), "--again"], nowhere, side);
        assert_eq!(output.code, 0, "{nowhere:?} {side:?} {output:?}");
        fleet.assert_each_once();
        let bad = fleet.script(["INSERT INTO t (id) VALUES (1);"]);
        let output = run(&fleet, &["run", bad.to_str().unwrap(), "--again"], nowhere, side);
        assert_eq!(output.code, 3, "{nowhere:?} {side:?} {output:?}");
        fleet.sql("DROP TABLE t");
    }
}

#[test]
fn a_worker_whose_log_nobody_reads_works_on() {
    let fleet = Fleet::new();
    for nowhere in Nowhere::ALL {
        let script = fleet.counters(50);
        let name = format!("{nowhere:?}");
        fleet.publish(&script, &name);
        let mut worker = command(&fleet, &["work"], nowhere, (true, true));
        let mut worker = worker.env("QUERYFLEET_LOG", "debug").spawn().unwrap();
        fleet.wait(&name).expect(0);
        kill_process(Pid::from_child(&worker), Signal::TERM).unwrap();
        assert_eq!(worker.wait().unwrap().code(), Some(0), "{nowhere:?}");
        fleet.assert_each_once();
        fleet.sql("DROP TABLE t");
    }
}

/// Clears the screen, writes over a line, rings, turns the direction around, and C1's way to do the first.
const OBEYED: &str = "\u{1b}[2J\rall done\u{7}\u{202e}\u{9b}2J";

fn is_plain(what: &str, text: &str) {
    let obeyed =
        text.chars().find(|char| char.is_control() && !matches!(char, '\n' | '\t') || *char == '\u{202e}');
    assert_eq!(obeyed, None, "{what}:\n{text:?}");
}

#[test]
fn a_terminal_obeys_no_name_statement_or_error() {
    let fleet = Fleet::new();
    fleet.sql("CREATE TABLE t (name VARCHAR(100) CHARACTER SET utf8mb4 PRIMARY KEY)");
    let insert = format!("INSERT INTO t VALUES ('{OBEYED}')");
    let script =
        fleet.script([format!("{insert};"), format!("{insert} /*\n*/;"), format!("nonsense {OBEYED};")]);
    let script = script.to_str().unwrap();
    let fair = fleet.script([format!("{insert};"), format!("{insert} /*\n*/;")]);
    let worker = fleet.worker_with(1, &[("QUERYFLEET_LOG", "debug")]);
    fleet.run(&["publish", fair.to_str().unwrap(), "--run", "fair"]).expect(0);
    fleet.wait("fair").expect(3);
    fleet.sql(&format!("UPDATE queryfleet_run SET name = '{OBEYED}\nrun x: done' WHERE name = 'fair'"));
    let name = format!("{OBEYED}\nrun x: done");
    let mut said = String::new();
    for arguments in [
        &["status"][..],
        &["status", &name],
        &["wait", &name],
        &["wait", OBEYED],
        &["dead", "list"],
        &["dead", "show", &name, "2"],
        &["dead", "show", &name, "9"],
        &["plan", script],
        &["publish", script],
        &["publish", OBEYED],
        &["cancel", OBEYED],
        &["purge", &name],
        &[OBEYED],
        &["publish", script, OBEYED, "--chunk", OBEYED],
    ] {
        let output = fleet.run(arguments);
        is_plain(&format!("{arguments:?}"), &output.out);
        is_plain(&format!("{arguments:?}"), &output.err);
        said += &(output.out + &output.err);
    }
    assert!(!said.contains("\nrun x: done"), "a name forges no line: {said}");
    assert!(said.contains(r"\u{1b}[2J\rall done\u{7}\u{202e}\u{9b}2J"), "what it is can be seen: {said}");
    is_plain("the log", &worker.log());
    // Data is data, and as plain.
    let status = fleet.run(&["status", &name, "--json"]).expect(0);
    is_plain("status --json", &status.out);
    assert_eq!(status.json()["name"], name.as_str());
    let show = fleet.run(&["dead", "show", &name, "2", "--json"]).expect(0);
    is_plain("show --json", &show.out);
    let json = show.json();
    assert!(json["statement"].as_str().unwrap().contains(OBEYED), "{json}");
}

/// As Ctrl-S, a pager, or a log shipper that hangs.
#[test]
fn a_log_whose_reader_has_stopped_holds_no_worker() {
    let fleet = Fleet::new();
    let script = fleet.counters(4000);
    fleet.publish(&script, "unread");
    let mut worker = fleet.command(&["work"]);
    // Far more than a pipe and the queue before it have room for.
    let mut worker = worker.env("QUERYFLEET_LOG", "trace").stderr(Stdio::piped()).spawn().unwrap();
    fleet.run(&["wait", "unread", "--timeout", "60s"]).expect(0);
    fleet.assert_each_once();
    kill_process(Pid::from_child(&worker), Signal::TERM).unwrap();
    // Its pipe is open still, and full.
    assert_eq!(worker.wait().unwrap().code(), Some(0));
}
