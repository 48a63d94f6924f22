//! A command that failed: what is printed, and the exit code.

use std::any::Any;
use std::fmt;

use crate::{Exit, output};

/// An error with every cause of it, in one line, each printed once.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    pub(crate) exit: Exit,
    /// Whether the text is ours and has lines of its own; anything else is one line, whatever a server or a file said.
    has_lines: bool,
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Failure {
        Failure { text: text.into(), exit: Exit::CouldNotStart, has_lines: false }
    }

    /// A command line that asks for nothing that can be done.
    pub(crate) fn usage(text: impl Into<String>) -> Failure {
        Failure { exit: Exit::Usage, ..Failure::new(text) }
    }
}

impl Failure {
    /// Says it to a person.
    pub(crate) fn say(&self) {
        if self.has_lines {
            output::say_block(format_args!("error: {self}\n"));
        } else {
            output::say(format_args!("error: {self}"));
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Failure {
        // It says what to install, and shows the end of a server's log.
        let has_lines = (&error as &dyn Any).is::<queryfleet_devstack::Error>();
        Failure { has_lines, ..Failure::new(queryfleet_job::causes(&error)) }
    }
}
