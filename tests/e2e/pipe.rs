//! Inputs that give their bytes only once.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use queryfleet_tests::{Fleet, Signal, eventually, interrupted};

const SOON: Duration = Duration::from_secs(30);
/// For so long a session is taken to be there without asking it.
const IDLE_S: i64 = 5;

fn pipe(fleet: &Fleet) -> PathBuf {
    let pipe = fleet.script([""]).with_extension("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    pipe
}

#[test]
fn a_named_pipe_is_read_once() {
    let fleet = Fleet::new();
    let (script, pipe) = (fleet.counters(100), pipe(&fleet));
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::copy(script, pipe).unwrap()
    });
    fleet.run(&["run", pipe.to_str().unwrap(), "--slots", "2"]).expect(0).says("all 100 jobs done");
    writer.join().unwrap();
    fleet.assert_each_once();
}

#[test]
fn a_pipe_is_read_as_what_it_begins_like_or_as_the_format_says() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    let statement = |id: u64| format!("UPDATE t SET n = n + 1 WHERE id = {id}");
    let job = |id: u64| format!("{{\"sql\": \"{}\"}}\n", statement(id));
    let piped = |arguments: &[&str], text: &str| {
        let mut child = fleet
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // One that ends before it reads has closed the pipe.
        let _ = std::io::Write::write_all(&mut stdin, text.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    };
    // Blank lines and a byte order mark may stand before the first job.
    for (id, text) in [(1, job(1)), (2, format!("\u{feff}\n {}", job(2))), (3, statement(3) + ";")] {
        let (code, said) = piped(&["run", "-"], &text);
        assert_eq!(code, 0, "job {id}: {said}");
    }
    fleet.assert_each_once();
    let template = "UPDATE t SET n = n + 0 WHERE id = :id";
    for (arguments, text, code, says) in [
        (&["plan", "-", "--format", "ndjson"][..], "", 1, "holds no statement"),
        (&["plan", "-", "--format", "ndjson"], "DO 1;", 1, "standard input:1:1"),
        (&["plan", "-", "--format", "sql"], "{\"sql\": \"DO 1\"}", 1, "is JSON"),
        (&["plan", "-"], "{\"id\": 1}", 1, "unknown field `id`"),
        (&["plan", "-", "--format", "csv"], "id\n1\n", 2, "--rows"),
        (&["plan", "--template", template, "--rows", "-", "--format", "sql"], "id\n1\n", 2, "ndjson or csv"),
        (&["plan", "--template", template, "--rows", "-", "--format", "csv"], "id\n1\n", 0, "1 job"),
        (&["plan", "--template", template, "--rows", "-", "--format", "ndjson"], "{\"id\": 1}\n", 0, "1 job"),
        (
            &["plan", "--template", template, "--rows", "-", "--format", "ndjson"],
            "id\n1\n",
            1,
            "standard input:1:1",
        ),
        (
            &["plan", "--template", template, "--rows", "-", "--format", "csv"],
            "{\"id\": 1}\n",
            1,
            "standard input:1:2",
        ),
    ] {
        let (found, said) = piped(arguments, text);
        assert_eq!(found, code, "{arguments:?} of {text:?}: {said}");
        assert!(said.contains(says), "{arguments:?} of {text:?}: {said}");
    }
    let jobs = fleet.file("jobs.txt", &job(1));
    fleet.run(&["plan", &jobs]).expect(1).says(".ndjson");
    fleet.run(&["plan", &jobs, "--format", "ndjson"]).expect(0).says("1 job");
}

/// A server ends sessions that are idle for their wait_timeout; an input may take longer to come.
#[test]
fn an_input_may_outlast_an_idle_session() {
    let fleet = Fleet::new();
    let (script, pipe) = (fleet.counters(10), pipe(&fleet));
    let mut command = fleet.command(&["publish", pipe.to_str().unwrap(), "--run", "slow"]);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let idle = || fleet.sessions().into_iter().find(|session| session.seconds > IDLE_S);
    eventually(SOON, "it waits for its input", || idle().is_some());
    fleet.sql(&format!("KILL {}", idle().unwrap().id));
    std::fs::copy(script, pipe).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let _worker = fleet.worker(2);
    fleet.wait("slow").expect(0);
    fleet.assert_each_once();
}

#[test]
fn an_input_that_never_comes_can_be_interrupted() {
    let fleet = Fleet::new();
    let pipe = pipe(&fleet);
    let kept = tempfile::tempdir().unwrap();
    for input in [pipe.to_str().unwrap(), "-"] {
        let mut command = fleet.command(&["publish", input]);
        command.env("TMPDIR", kept.path()).stdin(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        // It minds signals before it connects.
        eventually(SOON, "it has connected", || fleet.sessions().len() == 1);
        interrupted(child, Signal::INT);
        assert_eq!(kept.path().read_dir().unwrap().count(), 0, "what it had read is gone: {input}");
        eventually(SOON, "it is gone", || fleet.sessions().is_empty());
    }
}

/// What is to be kept, and where: the error is about the temporary file, not about what is read.
#[test]
fn an_input_that_cannot_be_kept_names_the_folder_and_the_remedy() {
    let fleet = Fleet::new();
    fleet.make_counters(3);
    let lines = (0..20_000).map(|id| format!("UPDATE t SET n = n + 1 WHERE id = {id};"));
    let (script, pipe) = (fleet.script(lines), pipe(&fleet));
    let (script, pipe) = (script.to_str().unwrap(), pipe.to_str().unwrap());
    let range = ["--template", "UPDATE t SET n = n + 1 WHERE :range", "--range", "t.id", "--size", "1"];
    let range = [&["publish"][..], &range[..]].concat();
    let (missing, full) = ("/nowhere/at/all", "512-byte blocks of this folder");
    for (what, arguments) in
        [("standard input", &["publish", "-"][..]), (pipe, &["run", pipe]), ("range", &range)]
    {
        for place in [missing, "/proc", full] {
            let direct = fleet.command(arguments);
            // A writer for the pipe that may find nobody to read; a limit on how large a file may be is a disk that is full.
            let limit = if place == full { "ulimit -f 1;" } else { "" };
            let shell = format!(
                "timeout 20 cp {script} {pipe} & {limit} \"$0\" \"$@\" <{script}; code=$?; kill $!; exit $code"
            );
            let mut command = Command::new("bash");
            command.arg("-c").arg(shell).arg(direct.get_program()).args(direct.get_args()).env_clear();
            command.envs(direct.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let kept = tempfile::tempdir().unwrap();
            let folder = if place == full { kept.path().to_str().unwrap() } else { place };
            let output = command.env("TMPDIR", folder).env("PATH", "/usr/bin:/bin").output().unwrap();
            let error = String::from_utf8(output.stderr).unwrap();
            if place == full && what == "range" {
                // Three ranges have room.
                assert_eq!(output.status.code(), Some(0), "{what} {place}: {error}");
                continue;
            }
            assert_eq!(output.status.code(), Some(1), "{what} {place}: {error}");
            let wanted =
                format!("error: cannot keep {what} in a temporary file in {folder}: set TMPDIR to a folder");
            assert!(error.contains(&wanted), "{what} {place}: {error}");
            assert_eq!(kept.path().read_dir().unwrap().count(), 0);
        }
    }
    assert_eq!(fleet.ready(""), 3, "only the ranges that had room");
}

/// A connection that broke looks like the end of the input.
#[test]
fn an_input_that_did_not_come_whole_publishes_nothing() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    let whole = "UPDATE t SET n = n + 1 WHERE id = 1;\nUPDATE t SET n = n + 1 WHERE id = 2;\n";
    let script = fleet.script([whole]);
    let path = script.to_str().unwrap();
    let sum = std::process::Command::new("sha256sum").arg(path).output().unwrap().stdout;
    let sum = String::from_utf8(sum).unwrap()[..64].to_owned();
    let cut = fleet.script([&whole[..whole.len() / 2]]);
    let publish = |path: &str, sum: &str| {
        fleet.run(&["publish", path, "--run", "whole", "--sha256", sum, "--allow-no-where"])
    };
    publish(cut.to_str().unwrap(), &sum).expect(1).says("did not come whole").says("nothing was published");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
    publish(path, "12").expect(2).says("64 hexadecimal digits");
    fleet.run(&["publish", path, path, "--sha256", &sum]).expect(2).says("one FILE");
    publish(path, &sum.to_uppercase()).expect(0).says("2 jobs");
}
