//! The environment as text, and which names in it are ours, which are somebody else's, and which are mistakes.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use crate::{Error, VARIABLES, Variable};

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

/// The values of our variables, nothing parsed. No `Debug`: it holds secrets.
pub(crate) struct Environment {
    /// By the name that envy makes of a variable's: in lower case, without the prefix. All values are text, because
    /// envy's own parse errors print the value.
    values: BTreeMap<String, String>,
}

impl Environment {
    /// Takes the `QUERYFLEET_` variables out of `vars`; if a name is given twice, the last value counts.
    pub(crate) fn read(vars: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let ours: BTreeMap<_, _> = vars.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
        for (name, value) in &ours {
            refuse_unknown(name, value)?;
        }
        let values = envy::prefixed(PREFIX).from_iter(ours).map_err(Error::Environment)?;
        Ok(Self { values })
    }

    /// The variables that are set, themselves or through their file.
    pub(crate) fn given(&self) -> BTreeSet<&'static str> {
        VARIABLES.iter().filter(|variable| self.has(variable)).map(|variable| variable.name).collect()
    }

    /// Parses what was given, or else the variable's default. `parse` returns `None` for a bad value, so that no error
    /// can carry the value.
    pub(crate) fn read_or_default<T>(
        &self,
        variable: &Variable,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let given = self.text(variable)?.or(variable.default.map(str::to_owned));
        variable.parse(given, parse)?.ok_or(variable.not_set())
    }

    /// Parses what was given, if anything was.
    pub(crate) fn read_optional<T>(
        &self,
        variable: &Variable,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        variable.parse(self.text(variable)?, parse)
    }

    /// Whether a variable is set, itself or through its file.
    pub(crate) fn has(&self, variable: &Variable) -> bool {
        self.value(variable.name).or(self.value(&variable.file_name())).is_some()
    }

    /// Sets a variable, in place of what it or its file was.
    pub(crate) fn replace(&mut self, variable: &Variable, value: String) {
        self.values.remove(&key(&variable.file_name()));
        self.values.insert(key(variable.name), value);
    }

    /// Sets a variable that is not set.
    pub(crate) fn add(&mut self, variable: &Variable, value: Option<String>) {
        if let Some(value) = value.filter(|_| !self.has(variable)) {
            self.replace(variable, value);
        }
    }

    fn text(&self, variable: &Variable) -> Result<Option<String>, Error> {
        let value = self.value(variable.name).cloned();
        match self.value(&variable.file_name()) {
            Some(_) if value.is_some() => Err(Error::Twice { name: variable.name }),
            Some(path) => variable.text_in_file(path).map(Some),
            None => Ok(value),
        }
    }

    fn value(&self, name: &str) -> Option<&String> {
        self.values.get(&key(name))
    }
}

/// What envy makes of a variable's name.
fn key(name: &str) -> String {
    name.strip_prefix(PREFIX).unwrap_or(name).to_ascii_lowercase()
}

/// Refuses a `QUERYFLEET_` variable that nothing reads, unless Kubernetes or the project's own tests set it.
fn refuse_unknown(name: &str, value: &str) -> Result<(), Error> {
    if names().any(|known| known == name) || is_injected(name, value) || name.starts_with("QUERYFLEET_TEST_")
    {
        return Ok(());
    }
    let spelt = name.to_ascii_uppercase();
    // The table is not empty; should it ever be, the error still names the variable.
    let nearest = names().min_by_key(|known| strsim::levenshtein(known, &spelt)).unwrap_or_default();
    Err(Error::Unknown { name: name.to_owned(), nearest })
}

/// Every name that is read, the `_FILE` twins included.
fn names() -> impl Iterator<Item = String> {
    VARIABLES.iter().flat_map(|variable| {
        let twin = variable.file.then(|| variable.file_name());
        std::iter::once(variable.name.to_owned()).chain(twin)
    })
}

/// What Kubernetes puts into every pod for a Service whose name begins with `queryfleet`: `…_SERVICE_HOST`,
/// `…_SERVICE_PORT`, `…_SERVICE_PORT_<NAME>`, `…_PORT=tcp://…`, `…_PORT_<N>_TCP` and its `_ADDR`, `_PORT`, `_PROTO`.
fn is_injected(name: &str, value: &str) -> bool {
    let is_service =
        name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_");
    let is_url = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    is_service || (name.ends_with("_PORT") && is_url) || is_port(name)
}

/// `…_PORT_<N>_TCP`, `…_PORT_<N>_TCP_ADDR` and the like.
fn is_port(name: &str) -> bool {
    let base = ["_ADDR", "_PORT", "_PROTO"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let port = ["_TCP", "_UDP", "_SCTP"].iter().find_map(|end| base.strip_suffix(end));
    port.and_then(|rest| rest.rsplit_once("_PORT_"))
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest(name: &str) -> String {
        match refuse_unknown(name, "x").unwrap_err() {
            Error::Unknown { nearest, .. } => nearest,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn an_unknown_variable_is_refused_with_the_nearest_known_one() {
        assert_eq!(nearest("QUERYFLEET_SLOT"), "QUERYFLEET_SLOTS");
        assert_eq!(nearest("QUERYFLEET_slots"), "QUERYFLEET_SLOTS");
        assert_eq!(nearest("QUERYFLEET_MYSQLURL_FILE"), "QUERYFLEET_MYSQL_URL_FILE");
        assert_eq!(nearest("QUERYFLEET_MAX_RETRIES_ATTEMPTS"), "QUERYFLEET_MAX_ATTEMPTS");
        assert_eq!(nearest("QUERYFLEET_RETRYTIER"), "QUERYFLEET_RETRY_TIERS");
        nearest("QUERYFLEET_");
    }

    #[test]
    fn a_path_is_no_file_twin() {
        assert_eq!(nearest("QUERYFLEET_SLOTS_FILE"), "QUERYFLEET_SLOTS");
    }

    #[test]
    fn what_kubernetes_injects_is_ignored() {
        for (name, value) in [
            ("QUERYFLEET_PORT", "tcp://10.0.0.1:9464"),
            ("QUERYFLEET_BROKER_PORT", "tcp://10.0.0.1:5672"),
            ("QUERYFLEET_BROKER_SERVICE_HOST", "10.0.0.1"),
            ("QUERYFLEET_BROKER_SERVICE_PORT", "5672"),
            ("QUERYFLEET_BROKER_SERVICE_PORT_AMQP", "5672"),
            ("QUERYFLEET_BROKER_PORT_5672_TCP", "tcp://10.0.0.1:5672"),
            ("QUERYFLEET_BROKER_PORT_5672_TCP_ADDR", "10.0.0.1"),
            ("QUERYFLEET_BROKER_PORT_5672_TCP_PORT", "5672"),
            ("QUERYFLEET_BROKER_PORT_5672_TCP_PROTO", "tcp"),
            ("QUERYFLEET_DNS_PORT_53_UDP_PROTO", "udp"),
        ] {
            refuse_unknown(name, value).unwrap();
        }
        refuse_unknown("QUERYFLEET_BROKER_PORT", "5672").unwrap_err();
        refuse_unknown("QUERYFLEET_BROKER_PORT_AMQP_TCP", "tcp://10.0.0.1:5672").unwrap_err();
    }

    #[test]
    fn the_projects_own_test_variables_are_ignored() {
        refuse_unknown("QUERYFLEET_TEST_KEEP", "1").unwrap();
    }

    #[test]
    fn no_variable_of_ours_looks_injected() {
        for name in names() {
            assert!(!is_injected(&name, "tcp://10.0.0.1:1"), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_our_own_variables_must_be_utf_8() {
        use std::os::unix::ffi::OsStringExt;
        let vars = |name: &str| [(OsString::from(name), OsString::from_vec(b"hunter2\xff".to_vec()))];
        assert_eq!(ours(vars("PS1")).unwrap(), []);
        let error = ours(vars("QUERYFLEET_MYSQL_URL")).unwrap_err();
        assert_eq!(error.to_string(), "QUERYFLEET_MYSQL_URL cannot be read: expected UTF-8 text");
    }
}
