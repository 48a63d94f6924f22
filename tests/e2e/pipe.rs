//! Inputs that give their bytes only once.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use queryfleet_tests::{Fleet, Signal, eventually};
use rustix::process::{Pid, kill_process};

const SOON: Duration = Duration::from_secs(30);

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
fn an_input_that_never_comes_can_be_interrupted() {
    let fleet = Fleet::new();
    let pipe = pipe(&fleet);
    for input in [pipe.to_str().unwrap(), "-"] {
        let mut command = fleet.command(&["publish", input]);
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        // It minds signals before it connects.
        eventually(SOON, "it has connected", || fleet.sessions().len() == 1);
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        eventually(SOON, "it has ended", || child.try_wait().unwrap().is_some());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{input}");
        eventually(SOON, "it is gone", || fleet.sessions().is_empty());
    }
}
