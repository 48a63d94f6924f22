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
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Failure {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let words = error.to_string();
            if !text.contains(&words) {
                text = format!("{text}: {words}");
            }
            cause = error.source();
        }
        Failure::new(text)
    }
}
