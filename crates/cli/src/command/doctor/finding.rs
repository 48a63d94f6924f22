//! A line of the doctor's: what was looked at, how it stands, what to do.

use std::fmt;

use serde_json::json;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// As it should be.
    Ok,
    /// Works, and deserves a look.
    Warn,
    /// Something will not work, or the promise does not hold.
    Fail,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "fail",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) check: &'static str,
    pub(crate) level: Level,
    pub(crate) found: String,
    /// What to do; empty when there is nothing to do, or `found` says it.
    pub(crate) remedy: String,
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

    /// As JSON. A contract: keys are added, never changed.
    pub(crate) fn json(&self) -> serde_json::Value {
        json!({ "check": self.check, "level": self.level.as_str(), "found": self.found, "remedy": self.remedy })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A server's message may hold line breaks; a finding is one line.
        let found = self.found.replace(['\n', '\r'], " ");
        write!(f, "{:<4}  {:<16}  {found}", self.level.as_str(), self.check)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, " → {}", self.remedy) }
    }
}
