//! A command that has ended: what it printed and how.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// What a command has printed, and its exit code.
#[derive(Debug)]
pub struct Output {
    /// The exit code; -1 after a signal.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Output {
    /// Requires this exit code.
    ///
    /// # Panics
    /// With all that was printed, when the code is another.
    #[track_caller]
    pub fn expect(self, code: i32) -> Output {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Requires that standard output or standard error says so.
    ///
    /// # Panics
    /// With all that was printed, when neither does.
    #[track_caller]
    pub fn says(self, text: &str) -> Output {
        assert!(self.out.contains(text) || self.err.contains(text), "`{text}` is not in {self:#?}");
        self
    }

    /// Standard output as one JSON value.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }
}

/// The first line that says what kind of error it is twice in a row, such as `Input/output error: Input/output error`.
pub(crate) fn said_twice(text: &str) -> Option<&str> {
    text.lines().find(|line| {
        let parts: Vec<&str> = line.split(": ").collect();
        parts.windows(2).any(|pair| pair[0] == pair[1] && pair[0].to_lowercase().ends_with("error"))
    })
}

/// Sends a signal to a command, which has to end with 130, and answers what it said on standard error.
///
/// # Panics
/// When it ends with another code.
#[track_caller]
pub fn interrupted(mut command: Child, signal: Signal) -> String {
    kill_process(Pid::from_child(&command), signal).expect("it runs");
    // Held until its end, which the end of its input shall not cause.
    let _input = command.stdin.take();
    let output = command.wait_with_output().expect("a child of ours");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

/// Starts a command whose output goes to the files `NAME.out` and `NAME.err`.
pub(crate) fn spawn(mut command: Command, folder: &Path, name: &str) -> Child {
    let file = |kind: &str| {
        File::create(folder.join(name).with_extension(kind)).expect("a file in the test's folder")
    };
    command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
    command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Waits for the end of a child; kills it at the deadline.
pub(crate) fn wait(child: &mut Child, deadline: Duration) -> Option<ExitStatus> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            return Some(status);
        }
        if began.elapsed() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn read(folder: &Path, name: &str, kind: &str) -> String {
    let bytes = std::fs::read(folder.join(name).with_extension(kind)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
