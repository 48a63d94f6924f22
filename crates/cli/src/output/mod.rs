//! Everything that this program prints goes through here; clippy refuses `println!` and its like elsewhere.
//!
//! Standard output is data. What cannot be written there stops no work: the first error is kept for the end, see
//! [`settle`]. Standard error is for people and best effort: nobody can be told that it is gone, and who has stopped
//! reading it holds nobody. A person's terminal never gets a control character of a name, a statement or an error, see
//! [`escape`].

mod escape;
mod log;
mod stderr;

use std::fmt::Display;
use std::io::{Error, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;
use std::time::Duration;

use crate::Exit;
pub(crate) use escape::{block, line};
pub(crate) use log::Log;

/// The pause before a pipe that does not block, and is full, is tried again.
const FULL_PAUSE: Duration = Duration::from_millis(5);

/// Why standard output could not be written, the first time.
static LOST: OnceLock<Error> = OnceLock::new();

/// Prints a line for people to standard output.
pub(crate) fn print(text: impl Display) {
    to_stdout(&(line(&text.to_string()).into_owned() + "\n"));
}

/// Prints text that has lines of its own to standard output.
pub(crate) fn print_block(text: impl Display) {
    to_stdout(&(block(&text.to_string()).into_owned() + "\n"));
}

/// Prints JSON, one value a line.
pub(crate) fn print_json(value: &serde_json::Value) {
    to_stdout(&(escape::json(&value.to_string()).into_owned() + "\n"));
}

/// Prints a line for people to standard error.
pub(crate) fn say(text: impl Display) {
    stderr::send(line(&text.to_string()).into_owned() + "\n");
    if is_watched() {
        // A bar, which draws on its own, comes behind it.
        stderr::flush();
    }
}

/// Prints text that has lines of its own to standard error.
pub(crate) fn say_block(text: impl Display) {
    stderr::send(block(&text.to_string()).into_owned());
}

/// Whether a person watches standard error on a terminal that can redraw a line.
pub(crate) fn is_watched() -> bool {
    let term = std::env::var_os("TERM");
    is_terminal() && term.is_some_and(|term| !term.is_empty() && term != "dumb")
}

/// Why standard output could not be written; `None` while it could, and when its reader has gone: it has read enough.
pub(crate) fn lost() -> Option<&'static Error> {
    LOST.get().filter(|error| error.kind() != ErrorKind::BrokenPipe)
}

/// The exit code of a command that has ended, now that it is known whether what it printed has arrived. Of a command
/// that does something it stays that of what was done; one that only `shows` something has failed.
pub(crate) fn settle(exit: Exit, shows: bool) -> Exit {
    let Some(error) = lost() else { return exit };
    say(format_args!("error: cannot write to standard output: {error}"));
    if shows && exit == Exit::Success { Exit::Failed } else { exit }
}

/// Waits until what was said is written, when the process is about to end.
pub(crate) fn end() {
    stderr::end();
}

/// Notes that something else could not write to standard output.
pub(crate) fn note(written: Result<(), Error>) {
    if let Err(error) = written {
        // Only the first one counts.
        let _ = LOST.set(error);
    }
}

#[allow(clippy::disallowed_methods)]
fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

#[allow(clippy::disallowed_methods)]
fn to_stdout(text: &str) {
    // On a terminal both are one text, in this order.
    stderr::flush();
    let mut stdout = std::io::stdout().lock();
    note(write(&mut stdout, text.as_bytes()).and_then(|()| flush(&mut stdout)));
}

/// As `write_all`, also for a pipe that somebody else has made one that does not block.
fn write(to: &mut impl Write, mut bytes: &[u8]) -> Result<(), Error> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) => wait_out(error)?,
        }
    }
    Ok(())
}

fn flush(to: &mut impl Write) -> Result<(), Error> {
    while let Err(error) = to.flush() {
        wait_out(error)?;
    }
    Ok(())
}

fn wait_out(error: Error) -> Result<(), Error> {
    match error.kind() {
        ErrorKind::Interrupted => Ok(()),
        ErrorKind::WouldBlock => {
            std::thread::sleep(FULL_PAUSE);
            Ok(())
        }
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a byte at a time, and is busy or interrupted before each.
    #[derive(Default)]
    struct Slow {
        taken: Vec<u8>,
        calls: usize,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
            self.calls += 1;
            match self.calls % 3 {
                1 => Err(ErrorKind::WouldBlock.into()),
                2 => Err(ErrorKind::Interrupted.into()),
                _ => {
                    self.taken.push(bytes[0]);
                    Ok(1)
                }
            }
        }

        fn flush(&mut self) -> Result<(), Error> {
            Ok(())
        }
    }

    #[test]
    fn a_pipe_that_does_not_block_gets_all_of_it() {
        let mut slow = Slow::default();
        write(&mut slow, b"run a: done\n").unwrap();
        assert_eq!(slow.taken, b"run a: done\n");
    }
}
