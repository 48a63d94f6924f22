//! What is left of a stack after its end: nothing.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests fail by panicking, as tests do"
)]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use queryfleet_devstack::{Error, Options, Stack};

/// Set in the second process of the test below.
const HELPER: &str = "QUERYFLEET_DEVSTACK_HELPER";

/// Long enough for the slowest machine; a passing test waits milliseconds.
const LIMIT: Duration = Duration::from_secs(60);

/// The processes, without those that have ended and wait for their parent's notice, that belong to `folder`.
fn processes_of(folder: &Path) -> Vec<String> {
    let read = |path: PathBuf, file: &str| fs::read(path.join(file)).unwrap_or_default();
    fs::read_dir("/proc")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            // Arguments, or the environment that every server's helpers inherit, name the folder.
            let folder = folder.to_str().unwrap();
            ["cmdline", "environ"]
                .iter()
                .any(|file| String::from_utf8_lossy(&read(path.clone(), file)).contains(folder))
        })
        .map(|path| String::from_utf8_lossy(&read(path, "cmdline")).replace('\0', " "))
        .collect()
}

fn assert_alive(stack: &Stack) {
    assert_eq!(stack.database.query("SELECT 1").unwrap(), "1\n");
    stack.rabbitmq.ctl(&["await_startup"]).unwrap();
}

/// Two stacks run at once, one of them in a process that is killed: that one ends, the other does not notice.
#[test]
fn a_killed_process_leaves_nothing_behind_and_another_stack_alone() {
    if env::var_os(HELPER).is_some() {
        hold_a_stack();
    }
    let mut helper = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "a_killed_process_leaves_nothing_behind_and_another_stack_alone"])
        .env(HELPER, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let ours = tempfile::tempdir().unwrap();
    let stack =
        Stack::start(&Options { folder: Some(ours.path().to_owned()), ..Options::default() }).unwrap();
    let lines = BufReader::new(helper.stdout.take().unwrap()).lines().map(Result::unwrap);
    let folder = lines.filter_map(|line| Some(PathBuf::from(line.split_once("folder=")?.1))).next().unwrap();
    assert!(folder.is_dir());
    // A node, its helpers, a name server, a database server, a watchdog.
    assert!(processes_of(&folder).len() >= 4, "{:?}", processes_of(&folder));

    helper.kill().unwrap();
    helper.wait().unwrap();
    let end = Instant::now() + LIMIT;
    while folder.exists() || !processes_of(&folder).is_empty() {
        assert!(Instant::now() < end, "left behind: {:?}", processes_of(&folder));
        thread::sleep(Duration::from_millis(10));
    }

    assert_alive(&stack);
    let folder = stack.folder().to_owned();
    assert!(folder.starts_with(ours.path().canonicalize().unwrap()));
    stack.stop().unwrap();
    assert!(!folder.exists());
    assert_eq!(fs::read_dir(ours.path()).unwrap().count(), 0);
    assert_eq!(processes_of(&folder), Vec::<String>::new());
}

/// In the second process: never returns.
fn hold_a_stack() -> ! {
    let stack = Stack::start(&Options::default()).unwrap();
    // A server that was started again must be found too.
    stack.database.kill().unwrap();
    stack.database.start_again().unwrap();
    assert_alive(&stack);
    // A frozen server cannot end by itself.
    stack.rabbitmq.freeze();
    println!("folder={}", stack.folder().display());
    loop {
        thread::park();
    }
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let missing = tempfile::tempdir().unwrap().path().join("missing");
    let options = Options { folder: Some(missing.clone()), ..Options::default() };
    let error = Stack::start(&options).err().unwrap();
    assert!(matches!(error, Error::Io { .. }));
    assert!(error.to_string().contains(missing.to_str().unwrap()), "{error}");
}
