//! The configuration as its users see it: what is read, what is refused, and what never gets out.

// Clippy sees a test in a function that has the attribute, not in its helpers.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::Duration;

use queryfleet_config::{Config, Error, LogFormat, VARIABLES, markdown_table, variables};
use queryfleet_sql::Kind;

fn read(vars: &[(&str, &str)]) -> Result<Config, Error> {
    Config::from_vars(vars.iter().map(|(name, value)| (name.to_string(), value.to_string())))
}

fn message(vars: &[(&str, &str)]) -> String {
    read(vars).unwrap_err().to_string()
}

/// A file with `text` in it, and the folder that removes it.
fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, text).unwrap();
    (folder, path.to_str().unwrap().to_owned())
}

#[test]
fn nothing_set_gives_the_defaults_of_the_design() {
    let config = read(&[]).unwrap();
    assert_eq!(config.queue, "default");
    assert_eq!(config.slots, 4);
    assert_eq!(config.statement_timeout, Duration::from_secs(900));
    assert_eq!(config.drain_timeout, Duration::from_secs(25));
    assert_eq!(config.max_attempts, 5);
    assert_eq!(config.retry_tiers, [1, 10, 60, 600].map(Duration::from_secs));
    assert_eq!(config.session_sql, None);
    assert_eq!(config.allow, None);
    assert_eq!(config.metrics_listen, Some("127.0.0.1:9464".parse().unwrap()));
    assert!(config.signing_keys.is_empty());
    assert_eq!(config.log, "info");
    assert_eq!(config.log_format, LogFormat::Text);
    assert_eq!(config.delivery_limit, 20);
    assert_eq!(config.confirm_window, 1024);
    assert_eq!(config.lock_wait_timeout(), Duration::from_secs(50));
}

#[test]
fn what_is_set_is_read() {
    let config = read(&[
        ("QUERYFLEET_AMQP_URL", "amqps://a,amqps://b"),
        ("QUERYFLEET_AMQP_CA", "/tls/ca.pem"),
        ("QUERYFLEET_AMQP_CERT", "/tls/cert.pem"),
        ("QUERYFLEET_AMQP_KEY", "/tls/key.pem"),
        ("QUERYFLEET_MYSQL_URL", "mariadb://h/db"),
        ("QUERYFLEET_SIGNING_KEY", "first-key-of-16-bytes,second-key-of-16-bytes"),
        ("QUERYFLEET_STATEMENT_TIMEOUT", "3s"),
        ("QUERYFLEET_ALLOW", "Update"),
        ("PATH", "/bin"),
    ])
    .unwrap();
    assert_eq!(config.amqp_urls().unwrap()[1].expose(), "amqps://b");
    assert_eq!(config.mysql_url().unwrap().expose(), "mysql://h/db");
    assert_eq!(config.amqp_tls.ca.as_deref(), Some(Path::new("/tls/ca.pem")));
    assert_eq!(config.amqp_tls.identity.as_ref().unwrap().key, Path::new("/tls/key.pem"));
    assert_eq!(config.signing_keys[0].expose(), "first-key-of-16-bytes");
    assert_eq!(config.allow.as_deref().unwrap(), [Kind::Update]);
    assert_eq!(config.lock_wait_timeout(), Duration::from_secs(1));
}

#[test]
fn whether_a_variable_was_given_is_known_also_of_one_that_holds_its_default() {
    let (_folder, path) = file("0123456789abcdef");
    let config = read(&[("QUERYFLEET_LOG", "info"), ("QUERYFLEET_SIGNING_KEY_FILE", &path)]).unwrap();
    for variable in [variables::LOG, variables::SIGNING_KEY] {
        assert!(config.was_given(&variable), "{}", variable.name);
    }
    for variable in [variables::METRICS_LISTEN, variables::MYSQL_URL] {
        assert!(!config.was_given(&variable), "{}", variable.name);
    }
}

#[test]
fn metrics_can_be_off() {
    assert_eq!(read(&[("QUERYFLEET_METRICS_LISTEN", "off")]).unwrap().metrics_listen, None);
}

#[test]
fn of_a_name_given_twice_the_last_counts() {
    assert_eq!(read(&[("QUERYFLEET_SLOTS", "2"), ("QUERYFLEET_SLOTS", "3")]).unwrap().slots, 3);
}

/// A bad value for every variable that has a form to miss; the others refuse only the empty value.
const BAD: &str = "hunter2 hunter2,";

#[test]
fn a_bad_value_names_the_variable_and_its_form_and_never_the_value() {
    for variable in VARIABLES {
        let is_text = ["SQL text", "the path of a PEM file"].contains(&variable.form)
            || variable.name.ends_with("_LOG");
        if !is_text {
            let expected = format!("{} cannot be read: expected {}", variable.name, variable.form);
            assert_eq!(message(&[(variable.name, BAD)]), expected);
            let error = read(&[(variable.name, BAD)]).unwrap_err();
            assert!(!format!("{error:?}").contains("hunter2"), "{}", variable.name);
        }
        let expected = format!("{} cannot be read: expected {}", variable.name, variable.form);
        assert_eq!(message(&[(variable.name, "")]), expected);
    }
}

#[test]
fn a_bare_number_is_no_duration() {
    assert_eq!(
        message(&[("QUERYFLEET_STATEMENT_TIMEOUT", "900")]),
        "QUERYFLEET_STATEMENT_TIMEOUT cannot be read: expected a duration such as 500ms, 25s, 15m or 1h, at most 720h"
    );
}

#[test]
fn what_a_command_needs_and_does_not_have_is_named() {
    let config = read(&[]).unwrap();
    let mysql = config.mysql_url().unwrap_err().to_string();
    assert!(mysql.starts_with("QUERYFLEET_MYSQL_URL is not set: expected mysql://"), "{mysql}");
    let amqp = config.amqp_urls().unwrap_err().to_string();
    assert!(amqp.starts_with("QUERYFLEET_AMQP_URL is not set: expected amqp://"), "{amqp}");
}

#[test]
fn debug_shows_no_secret() {
    let config = read(&[
        ("QUERYFLEET_AMQP_URL", "amqp://u:hunter2@a,amqp://u:hunter2@b"),
        ("QUERYFLEET_MYSQL_URL", "mysql://u:hunter2@h/db"),
        ("QUERYFLEET_SIGNING_KEY", "hunter2-hunter2-hunter2"),
    ]);
    let debug = format!("{:?}", config.unwrap());
    assert!(debug.contains("[redacted]") && !debug.contains("hunter2"), "{debug}");
}

#[test]
fn every_secret_comes_from_a_file_too() {
    let (_folder, path) = file("mysql://u:p@h/db\r\n");
    let config = read(&[("QUERYFLEET_MYSQL_URL_FILE", &path)]).unwrap();
    assert_eq!(config.mysql_url().unwrap().expose(), "mysql://u:p@h/db");

    let (_folder, path) = file("SET @a = 1,\n    @b = 2\n");
    let config = read(&[("QUERYFLEET_SESSION_SQL_FILE", &path)]).unwrap();
    assert_eq!(config.session_sql.unwrap(), "SET @a = 1,\n    @b = 2");

    let (_folder, path) = file("amqp://a\n");
    assert_eq!(read(&[("QUERYFLEET_AMQP_URL_FILE", &path)]).unwrap().amqp_urls().unwrap().len(), 1);

    let (_folder, path) = file("0123456789abcdef\n");
    let config = read(&[("QUERYFLEET_SIGNING_KEY_FILE", &path)]).unwrap();
    assert_eq!(config.signing_keys[0].expose(), "0123456789abcdef");
}

#[test]
fn what_an_editor_or_windows_puts_around_a_value_in_a_file_is_no_part_of_it() {
    for (before, after) in
        [("", "\n"), ("", "\r\n"), ("\u{feff}", "\r\n\r\n"), (" \n", " \t\n"), ("\u{feff}\r\n", "")]
    {
        for (name, value) in [
            ("QUERYFLEET_MYSQL_URL_FILE", "mysql://u:p@h/db"),
            ("QUERYFLEET_AMQP_URL_FILE", "amqp://a,amqp://b"),
            ("QUERYFLEET_SIGNING_KEY_FILE", "0123456789abcdef"),
            ("QUERYFLEET_SESSION_SQL_FILE", "SET @a = 1,\r\n    @b = 2"),
        ] {
            let (_folder, path) = file(&format!("{before}{value}{after}"));
            let config = read(&[(name, &path)]).unwrap();
            let got = match name {
                "QUERYFLEET_MYSQL_URL_FILE" => config.mysql_url().unwrap().expose().to_owned(),
                "QUERYFLEET_AMQP_URL_FILE" => {
                    let urls: Vec<_> = config.amqp_urls().unwrap().iter().map(|url| url.expose()).collect();
                    urls.join(",")
                }
                "QUERYFLEET_SIGNING_KEY_FILE" => config.signing_keys[0].expose().to_owned(),
                _ => config.session_sql.unwrap(),
            };
            assert_eq!(got, value, "{name} {before:?} {after:?}");
        }
    }
}

/// As from an env file that was written on Windows.
#[test]
fn a_control_character_in_a_value_is_named_with_its_variable() {
    for variable in VARIABLES.iter().filter(|variable| !variable.lines) {
        let value = format!("{}\r", variable.default.unwrap_or("amqp://a"));
        let error = message(&[(variable.name, &value)]);
        assert!(error.starts_with(&format!("{} holds a control character", variable.name)), "{error}");
    }
    for variable in VARIABLES.iter().filter(|variable| variable.file) {
        let name = format!("{}_FILE", variable.name);
        let error = message(&[(&name, "/nowhere\r")]);
        assert!(error.starts_with(&format!("{name} holds a control character")), "{error}");
    }
    // Two keys on two lines are not one key.
    let (_folder, path) = file("0123456789abcdef\r\n0123456789abcdeF\r\n");
    let error = message(&[("QUERYFLEET_SIGNING_KEY_FILE", &path)]);
    assert!(error.starts_with("QUERYFLEET_SIGNING_KEY holds a control character"), "{error}");
}

#[test]
fn a_file_without_an_end_is_no_value() {
    let error = read(&[("QUERYFLEET_SIGNING_KEY_FILE", "/dev/zero")]).unwrap_err();
    assert_eq!(error.to_string(), "cannot read /dev/zero, which QUERYFLEET_SIGNING_KEY_FILE names");
}

#[test]
fn every_secret_of_the_table_has_a_file() {
    assert!(VARIABLES.iter().all(|variable| variable.file || !variable.secret));
}

#[test]
fn a_value_beside_its_file_is_refused() {
    for variable in VARIABLES.iter().filter(|variable| variable.file) {
        let twin = format!("{}_FILE", variable.name);
        let expected = format!("{} and {twin} are both set: unset one of them", variable.name);
        assert_eq!(message(&[(variable.name, BAD), (&twin, "/nowhere")]), expected);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_its_variable() {
    let error = read(&[("QUERYFLEET_SIGNING_KEY_FILE", "/nowhere/key")]).unwrap_err();
    assert_eq!(error.to_string(), "cannot read /nowhere/key, which QUERYFLEET_SIGNING_KEY_FILE names");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn an_empty_signing_key_file_does_not_switch_verification_off() {
    let (_folder, path) = file("\n");
    assert!(
        message(&[("QUERYFLEET_SIGNING_KEY_FILE", &path)]).contains("QUERYFLEET_SIGNING_KEY cannot be read")
    );
}

#[test]
fn an_unknown_variable_is_refused_and_injected_ones_are_not() {
    assert_eq!(
        message(&[("QUERYFLEET_DRAIN_TIMOUT", "hunter2")]),
        "unknown variable QUERYFLEET_DRAIN_TIMOUT: did you mean QUERYFLEET_DRAIN_TIMEOUT?"
    );
    read(&[("QUERYFLEET_RABBITMQ_PORT", "tcp://10.0.0.1:5672"), ("QUERYFLEET_TEST_KEEP", "1")]).unwrap();
}

#[test]
fn a_certificate_needs_its_key_and_a_key_its_certificate() {
    assert_eq!(
        message(&[("QUERYFLEET_MYSQL_CERT", "/c.pem")]),
        "QUERYFLEET_MYSQL_CERT is set but QUERYFLEET_MYSQL_KEY is not: a client certificate needs both"
    );
    assert!(message(&[("QUERYFLEET_AMQP_KEY", "/k.pem")]).starts_with("QUERYFLEET_AMQP_KEY is set but"));
}

#[test]
fn tls_files_beside_a_url_in_the_clear_are_refused() {
    let tls = ("QUERYFLEET_AMQP_CA", "/ca.pem");
    assert!(message(&[tls, ("QUERYFLEET_AMQP_URL", "amqps://a,amqp://b")]).contains("write amqps://"));
    read(&[tls, ("QUERYFLEET_AMQP_URL", "amqps://a")]).unwrap();
}

#[test]
fn the_table_has_one_row_a_variable() {
    let table = markdown_table();
    assert!(
        table.contains("| `QUERYFLEET_SLOTS` | `4` | a whole number from 1 to 1024 | How many statements")
    );
    assert_eq!(table.lines().count(), 2 + VARIABLES.len());
    for line in table.lines() {
        assert_eq!(line.matches('|').count(), 5, "{line}");
    }
}
