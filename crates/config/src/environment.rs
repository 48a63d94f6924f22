//! The environment as envy reads it: all text, nothing parsed.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde::Deserialize;

use crate::{Error, known};

const PREFIX: &str = "QUERYFLEET_";

/// Our variables as text. `std::env::vars`, and envy with it, would panic over somebody else's that is not UTF-8.
pub(crate) fn ours(
    vars: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Vec<(String, String)>, Error> {
    let vars = vars.into_iter().map(|(name, value)| (name.to_string_lossy().into_owned(), value));
    vars.filter(|(name, _)| name.starts_with(PREFIX))
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(Error::NotUnicode { name }),
        })
        .collect()
}

/// Every variable under its name less the prefix. All are text because envy's own parse errors print the value.
/// No `Debug`: it holds secrets.
#[derive(Default, Deserialize)]
pub(crate) struct Environment {
    pub(crate) amqp_url: Option<String>,
    pub(crate) amqp_url_file: Option<String>,
    pub(crate) amqp_ca: Option<String>,
    pub(crate) amqp_cert: Option<String>,
    pub(crate) amqp_key: Option<String>,
    pub(crate) management_url: Option<String>,
    pub(crate) management_url_file: Option<String>,
    pub(crate) mysql_url: Option<String>,
    pub(crate) mysql_url_file: Option<String>,
    pub(crate) mysql_ca: Option<String>,
    pub(crate) mysql_cert: Option<String>,
    pub(crate) mysql_key: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) slots: Option<String>,
    pub(crate) statement_timeout: Option<String>,
    pub(crate) drain_timeout: Option<String>,
    pub(crate) max_attempts: Option<String>,
    pub(crate) retry_tiers: Option<String>,
    pub(crate) session_sql: Option<String>,
    pub(crate) session_sql_file: Option<String>,
    pub(crate) allow: Option<String>,
    pub(crate) metrics_listen: Option<String>,
    pub(crate) signing_key: Option<String>,
    pub(crate) signing_key_file: Option<String>,
    pub(crate) log: Option<String>,
    pub(crate) log_format: Option<String>,
    pub(crate) connect_timeout: Option<String>,
    pub(crate) backoff_max: Option<String>,
    pub(crate) pressure_timeout: Option<String>,
    pub(crate) heartbeat_interval: Option<String>,
    pub(crate) run_poll_interval: Option<String>,
    pub(crate) missing_timeout: Option<String>,
    pub(crate) delivery_limit: Option<String>,
    pub(crate) confirm_window: Option<String>,
}

impl Environment {
    /// Takes the `QUERYFLEET_` variables out of `vars`; of a name given twice the last value counts.
    pub(crate) fn read(vars: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let ours: BTreeMap<_, _> = vars.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
        for (name, value) in &ours {
            known::check(name, value)?;
        }
        envy::prefixed(PREFIX).from_iter(ours).map_err(Error::Environment)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn only_our_own_variables_must_be_utf_8() {
        let vars = |name: &str| [(OsString::from(name), OsString::from_vec(b"hunter2\xff".to_vec()))];
        assert_eq!(ours(vars("PS1")).unwrap(), []);
        let error = ours(vars("QUERYFLEET_MYSQL_URL")).unwrap_err();
        assert_eq!(error.to_string(), "QUERYFLEET_MYSQL_URL cannot be read: expected UTF-8 text");
    }
}
