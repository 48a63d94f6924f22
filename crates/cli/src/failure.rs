//! A command that failed: what is printed, and the exit code.

use std::fmt;

use crate::Exit;

/// An error with every cause of it, in one line, each printed once.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    pub(crate) exit: Exit,
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Failure {
        Failure { text: text.into(), exit: Exit::CouldNotStart }
    }

    /// A command line that asks for nothing that can be done.
    pub(crate) fn usage(text: impl Into<String>) -> Failure {
        Failure { text: text.into(), exit: Exit::Usage }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::new(job::causes(&error))
    }
}
