//! A command that failed: what is printed, and the exit code.

use std::fmt;

use queryfleet_job::causes;

use crate::advice::{with_advice, with_config_advice, with_operator_advice};
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
        Failure { text: text.into(), exit: Exit::Failed, has_lines: false }
    }

    /// A command line that asks for nothing that can be done.
    pub(crate) fn usage(text: impl Into<String>) -> Failure {
        Failure { exit: Exit::Usage, ..Failure::new(text) }
    }

    /// Prints it for a person.
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

impl From<queryfleet_operator::Error> for Failure {
    fn from(error: queryfleet_operator::Error) -> Failure {
        Failure { exit: Exit::from(&error), ..Failure::new(with_operator_advice(&error)) }
    }
}

impl From<queryfleet::Error> for Failure {
    fn from(error: queryfleet::Error) -> Failure {
        Failure { exit: Exit::from(error.kind()), ..Failure::new(with_advice(error)) }
    }
}

impl From<queryfleet_config::Error> for Failure {
    fn from(error: queryfleet_config::Error) -> Failure {
        Failure::new(with_config_advice(&error))
    }
}

#[cfg(feature = "dev")]
impl From<queryfleet_devstack::Error> for Failure {
    fn from(error: queryfleet_devstack::Error) -> Failure {
        // It says what to install, and shows the end of a server's log.
        Failure { has_lines: true, ..Failure::new(causes(&error)) }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::new(causes(&error))
    }
}

impl From<tokio::task::JoinError> for Failure {
    fn from(error: tokio::task::JoinError) -> Failure {
        Failure::new(causes(&error))
    }
}
