//! The few things that a URL of a server must have, told before anything connects. The rest is for the drivers.

use crate::Secret;

/// One or more broker URLs with commas between.
pub(crate) fn amqp_urls(text: &str) -> Option<Vec<Secret>> {
    text.split(',').map(|url| amqp_url(url.trim())).collect()
}

/// A URL that does not ask for TLS.
pub(crate) fn is_plain_amqp(url: &Secret) -> bool {
    url.expose().starts_with("amqp://")
}

fn amqp_url(url: &str) -> Option<Secret> {
    let rest = url.strip_prefix("amqp://").or_else(|| url.strip_prefix("amqps://"))?;
    parts(rest)?;
    Some(Secret::new(url))
}

/// The URL of a management page, without what follows the host: there KEDA, which may be given the same, has the virtual
/// host, and ours is that of the broker's URL.
pub(crate) fn management_url(url: &str) -> Option<Secret> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    let path = parts(rest)?;
    let is_vhost = !path.trim_start_matches('/').contains('/');
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    is_vhost.then(|| Secret::new(url[..url.len() - rest.len()].to_owned() + authority))
}

/// A database URL with a database in it. `mariadb://` becomes `mysql://`, the only scheme that the driver takes.
pub(crate) fn mysql_url(url: &str) -> Option<Secret> {
    let rest = url.strip_prefix("mysql://").or_else(|| url.strip_prefix("mariadb://"))?;
    let path = parts(rest)?;
    let is_database = path.strip_prefix('/').is_some_and(|name| !name.is_empty() && !name.contains('/'));
    is_database.then(|| Secret::new(format!("mysql://{rest}")))
}

/// One or more database URLs with commas between.
pub(crate) fn mysql_urls(text: &str) -> Option<Vec<Secret>> {
    text.split(',').map(|url| mysql_url(url.trim())).collect()
}

/// Checks what follows the scheme for a host and, if there is one, a port in digits; the path is the answer. A `/`
/// in a password that was not percent-encoded ends the host too early and is found here, as the port.
fn parts(rest: &str) -> Option<&str> {
    if rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let (rest, query) = rest.split_once(['?', '#']).unwrap_or((rest, ""));
    // What looks like parameters is the rest of a password that was not percent-encoded.
    if query.contains('@') {
        return None;
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    // An IPv6 address has colons of its own, inside brackets.
    let (host, port) = match host_and_port.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (host_and_port, None),
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
    (!host.is_empty() && is_port).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposed(urls: Option<Vec<Secret>>) -> Vec<String> {
        urls.unwrap().iter().map(|url| url.expose().to_owned()).collect()
    }

    #[test]
    fn takes_one_or_several_brokers() {
        assert_eq!(exposed(amqp_urls("amqp://host")), ["amqp://host"]);
        let several = "amqps://u:p%2C@a.example:5671/%2f?heartbeat=10, amqps://[::1]:5671, amqps://[::1]/v";
        let each =
            ["amqps://u:p%2C@a.example:5671/%2f?heartbeat=10", "amqps://[::1]:5671", "amqps://[::1]/v"];
        assert_eq!(exposed(amqp_urls(several)), each);
    }

    #[test]
    fn refuses_what_is_no_broker() {
        let bad =
            ["", ",", "amqp://a,", "http://a", "host:5672", "amqp://", "amqp://u:p@", "amqp://u:p@:5672"];
        for text in bad.into_iter().chain([
            "amqp://a:b",
            "amqp://a:0",
            "amqp://u:pa/ss@a",
            "amqp://u:1/?ss@a",
            "amqp://a b",
            "AMQP://a",
        ]) {
            assert!(amqp_urls(text).is_none(), "{text}");
        }
    }

    #[test]
    fn of_a_management_page_the_virtual_host_is_left_out() {
        for (text, wanted) in [
            ("http://h:15672", "http://h:15672"),
            ("https://u:p%2f@h/", "https://u:p%2f@h"),
            ("http://[::1]:15672/%2f", "http://[::1]:15672"),
            ("http://u:p@h:15672/shop", "http://u:p@h:15672"),
        ] {
            assert_eq!(management_url(text).unwrap().expose(), wanted, "{text}");
        }
        for text in ["http://h/a/b", "amqp://h", "http://", "http://u:p/w@h"] {
            assert!(management_url(text).is_none(), "{text}");
        }
    }

    #[test]
    fn takes_a_database_under_both_schemes() {
        for scheme in ["mysql", "mariadb"] {
            let url = mysql_url(&format!("{scheme}://u:p@ss@h:3306/jobs?require_ssl=true")).unwrap();
            assert_eq!(url.expose(), "mysql://u:p@ss@h:3306/jobs?require_ssl=true");
        }
    }

    #[test]
    fn refuses_what_is_no_database() {
        for text in
            ["mysql://h", "mysql://h/", "mysql://h?x=/db", "mysql:///db", "mysql://h/a/b", "postgres://h/db"]
        {
            assert!(mysql_url(text).is_none(), "{text}");
        }
    }
}
