//! Which dead jobs are meant.

use crate::Error;

/// Which dead jobs are meant. What is `None` is not asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadFilter {
    /// Of the run with this name or id.
    pub run: Option<String>,
    /// With this place in its run.
    pub seq: Option<u64>,
    /// With this server error code.
    pub code: Option<u16>,
    /// With this SQLSTATE.
    pub sql_state: Option<String>,
    /// For this reason.
    pub reason: Option<String>,
}

impl DeadFilter {
    /// Whether it asks about nothing.
    pub fn is_empty(&self) -> bool {
        let DeadFilter { run, seq, code, sql_state, reason } = self;
        run.is_none() && seq.is_none() && code.is_none() && sql_state.is_none() && reason.is_none()
    }

    /// An empty filter means every dead job of every run: nobody is to take those by a slip.
    pub(crate) fn require_any(&self, all: bool) -> Result<(), Error> {
        if self.is_empty() && !all { Err(Error::NoFilter) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_dead_jobs_have_to_be_asked_for() {
        let none = DeadFilter::default();
        assert!(matches!(none.require_any(false), Err(Error::NoFilter)));
        assert!(none.require_any(true).is_ok());
        let filters = [
            DeadFilter { run: Some("a".into()), ..none.clone() },
            DeadFilter { code: Some(1062), ..none.clone() },
            DeadFilter { sql_state: Some("23000".into()), ..none.clone() },
            DeadFilter { reason: Some("error".into()), ..none },
        ];
        for filter in filters {
            assert!(filter.require_any(false).is_ok(), "{filter:?}");
        }
    }
}
