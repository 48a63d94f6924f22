//! Which names of variables are ours, which are somebody else's, and which are mistakes.

use crate::{Error, VARIABLES};

/// Refuses a `QUERYFLEET_` variable that nothing reads, unless Kubernetes or the project's own tests set it.
pub(crate) fn check(name: &str, value: &str) -> Result<(), Error> {
    if names().any(|known| known == name) || is_injected(name, value) || name.starts_with("QUERYFLEET_TEST_")
    {
        return Ok(());
    }
    let spelt = name.to_ascii_uppercase();
    // The table is not empty; should it ever be, the error still names the variable.
    let nearest = names().min_by_key(|known| distance(known, &spelt)).unwrap_or_default();
    Err(Error::Unknown { name: name.to_owned(), nearest })
}

/// Every name that is read, the `_FILE` twins included.
fn names() -> impl Iterator<Item = String> {
    VARIABLES.iter().flat_map(|variable| {
        let twin = variable.file.then(|| format!("{}_FILE", variable.name));
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

/// Levenshtein's distance: insertions, deletions and replacements of one byte.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest(name: &str) -> String {
        match check(name, "x").unwrap_err() {
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
            check(name, value).unwrap();
        }
        check("QUERYFLEET_BROKER_PORT", "5672").unwrap_err();
        check("QUERYFLEET_BROKER_PORT_AMQP_TCP", "tcp://10.0.0.1:5672").unwrap_err();
    }

    #[test]
    fn the_projects_own_test_variables_are_ignored() {
        check("QUERYFLEET_TEST_KEEP", "1").unwrap();
    }

    #[test]
    fn no_variable_of_ours_looks_injected() {
        for name in names() {
            assert!(!is_injected(&name, "tcp://10.0.0.1:1"), "{name}");
        }
    }
}
