//! What was looked at, how it stands, and what to do.

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, and deserves a look.
    Warn,
    /// Something will not work, or exactly once is not certain.
    Fail,
}

impl Level {
    /// The word in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "fail",
        }
    }
}

/// What one check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, in one to three words.
    pub check: &'static str,
    /// How it stands.
    pub level: Level,
    /// What was found. It may hold a server's own words, line breaks included.
    pub found: String,
    /// What to do; empty when there is nothing to do, or when `found` says it.
    pub remedy: String,
}

impl Finding {
    pub(crate) fn ok(check: &'static str, found: impl Into<String>) -> Finding {
        Finding { check, level: Level::Ok, found: found.into(), remedy: String::new() }
    }

    pub(crate) fn warn(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { check, level: Level::Warn, found: found.into(), remedy: remedy.into() }
    }

    pub(crate) fn fail(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { check, level: Level::Fail, found: found.into(), remedy: remedy.into() }
    }
}
