//! Standard output: data. What cannot be written there stops no work: the first error is kept for the end, see [`exit_after_output`].

use std::fmt::Display;
use std::io::{Error, ErrorKind, IsTerminal};
use std::sync::OnceLock;

use serde::Serialize;

use super::escape::{self, block, line};
use super::patient;
use super::stderr::{self, say};
use crate::Exit;

/// Why standard output could not be written, the first time.
static FIRST_ERROR: OnceLock<Error> = OnceLock::new();

/// Prints a line for people to standard output.
pub(crate) fn print(text: impl Display) {
    to_stdout(&(line(&text.to_string()).into_owned() + "\n"));
}

/// Prints text that has lines of its own to standard output.
pub(crate) fn print_block(text: impl Display) {
    to_stdout(&(block(&text.to_string()).into_owned() + "\n"));
}

/// Prints text that another program reads, as it is; on a terminal like [`print_block`].
#[allow(clippy::disallowed_methods)]
pub(crate) fn print_data(text: &str) {
    if std::io::stdout().is_terminal() { print_block(text) } else { to_stdout(&(text.to_owned() + "\n")) }
}

/// Prints JSON, one value per line, its keys sorted.
pub(crate) fn print_json(value: &impl Serialize) {
    match serde_json::to_value(value) {
        Ok(value) => to_stdout(&(escape::json(&value.to_string()).into_owned() + "\n")),
        // Only a map whose keys are no strings cannot be written; no view has one.
        Err(error) => note_stdout(Err(error.into())),
    }
}

/// Prints values as one list in JSON, each as soon as it is there.
#[derive(Default)]
pub(crate) struct JsonList {
    is_begun: bool,
}

impl JsonList {
    pub(crate) fn push(&mut self, value: &impl Serialize) {
        to_stdout(if std::mem::replace(&mut self.is_begun, true) { "," } else { "[" });
        match serde_json::to_value(value) {
            Ok(value) => to_stdout(&escape::json(&value.to_string())),
            Err(error) => note_stdout(Err(error.into())),
        }
    }

    pub(crate) fn end(self) {
        to_stdout(if self.is_begun { "]\n" } else { "[]\n" });
    }
}

/// Why standard output could not be written; `None` while it could, and when its reader has gone: it has read enough.
pub(crate) fn stdout_error() -> Option<&'static Error> {
    FIRST_ERROR.get().filter(|error| error.kind() != ErrorKind::BrokenPipe)
}

/// The exit code of a command that has ended, now that it is known whether what it printed has arrived. Of a command
/// that does something it stays that of what was done; one that only `shows` something has failed.
pub(crate) fn exit_after_output(exit: Exit, shows: bool) -> Exit {
    let Some(error) = stdout_error() else { return exit };
    say(format_args!("error: cannot write to standard output: {error}"));
    if shows && exit == Exit::Success { Exit::Failed } else { exit }
}

/// Notes whether something could be written to standard output.
pub(crate) fn note_stdout(written: Result<(), Error>) {
    if let Err(error) = written {
        // Only the first one counts.
        let _ = FIRST_ERROR.set(error);
    }
}

#[allow(clippy::disallowed_methods)]
fn to_stdout(text: &str) {
    // On a terminal both are one text, in this order.
    stderr::flush();
    let mut stdout = std::io::stdout().lock();
    note_stdout(patient::write(&mut stdout, text.as_bytes()).and_then(|()| patient::flush(&mut stdout)));
}
