//! A shell, as a reader of the documentation has one.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::{Fleet, Output, output};

/// How long a page of commands may take. One starts servers of its own.
const PATIENCE: Duration = Duration::from_secs(150);

/// Runs a script as if it were typed: bash reads it from standard input, line by line, so a shell that it starts goes
/// on with the lines that follow, until their `exit`. The first command that fails ends it, in either shell. The
/// program is in PATH as `queryfleet`, the environment leads to the fleet, and the folder holds `files` and nothing else.
///
/// # Panics
/// When it has not ended in time, or has printed a password.
pub fn shell(fleet: &Fleet, script: &str, files: &[(&str, &str)]) -> Output {
    let (outside, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let outside = outside.path();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    let program = fleet.command(&[]);
    symlink(program.get_program(), outside.join("queryfleet")).expect("a link");
    // What the PATH has first may be a wrapper, a shell script that SHELLOPTS would end.
    let python = std::path::Path::new("/usr/bin/python3");
    if python.exists() {
        symlink(python, outside.join("python3")).expect("a link");
    }
    let path = format!("{}:{}", outside.display(), std::env::var("PATH").expect("a PATH"));
    let file = |name: &str| File::create(outside.join(name)).expect("a file");

    let mut bash = Command::new("bash");
    bash.current_dir(folder.path()).envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // In the environment, since it holds for the shells that are started in it, too.
    bash.env("PATH", path).env("SHELLOPTS", "errexit:nounset:xtrace");
    // A pipe: of a file a shell reads more than its own lines, and leaves nothing to the one that started it.
    bash.stdin(Stdio::piped()).stdout(file("shell.out")).stderr(file("shell.err")).process_group(0);
    let mut child = bash.spawn().expect("bash");
    let group = Pid::from_child(&child);
    child.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("a script that fits into a pipe");
    let status = output::wait(&mut child, PATIENCE);
    // A script that failed half-way leaves no worker behind. There is no such group when it did not.
    let _ = kill_process_group(group, Signal::KILL);

    let (out, err) = (output::read(outside, "shell", "out"), output::read(outside, "shell", "err"));
    let status = status.unwrap_or_else(|| panic!("the script has not ended:\n{out}\n{err}"));
    let told = fleet.secrets().iter().any(|secret| out.contains(secret) || err.contains(secret));
    assert!(!told, "a password in the output:\n{out}\n{err}");
    Output { code: status.code().unwrap_or(-1), out, err }
}
