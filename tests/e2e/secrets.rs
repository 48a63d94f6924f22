//! Passwords and keys are nowhere but in the environment, whatever fails and however much is logged.

use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use queryfleet_devstack::Port;
use queryfleet_tests::{Authority, Fleet, Output, Worker, eventually, get};

use crate::tls::{Variables, run, server, with};

const AMQP: &str = "QUERYFLEET_AMQP_URL";
const MYSQL: &str = "QUERYFLEET_MYSQL_URL";
const KEY: &str = "QUERYFLEET_SIGNING_KEY";
/// One for each server, with what a URL has to encode.
const PASSWORDS: [(&str, &str); 2] = [
    ("br0ker/s%cret:@é", "br0ker%2fs%25cret%3A%40%c3%a9"),
    ("d4tabase/s%cret:@é", "d4tabase%2fs%25cret%3A%40%c3%a9"),
];
const SIGNING_KEYS: [&str; 2] = ["s1gning-key of today", "s1gning-key of yesterday"];
/// All that there is to log, lapin's frames too.
const EVERYTHING: &str =
    "trace,lapin=trace,lapin::io_loop=trace,lapin::internal_rpc=trace,lapin::channels=trace";

/// Each secret, and a text that holds no more than it, as it could be written somewhere.
fn forms() -> Vec<String> {
    let secrets = PASSWORDS.iter().map(|(plain, _)| *plain).chain(SIGNING_KEYS);
    let mut forms: Vec<String> = PASSWORDS.iter().map(|(_, encoded)| encoded.to_lowercase()).collect();
    for secret in secrets {
        forms.push(secret.to_lowercase());
        // As `{:?}` writes it, and byte by byte.
        forms.push(secret.escape_default().to_string().to_lowercase());
        forms.push(format!("{:?}", secret.as_bytes()).trim_matches(['[', ']']).to_owned());
        // Inside a longer text, base64 begins at one of three places.
        for skipped in 0..3 {
            let whole = (secret.len() - skipped) / 3 * 3;
            forms.push(BASE64_STANDARD.encode(&secret.as_bytes()[skipped..skipped + whole]).to_lowercase());
        }
    }
    forms
}

#[track_caller]
fn is_clean(what: &str, text: &str) {
    let text = text.to_lowercase();
    for form in forms() {
        assert!(!text.contains(&form), "{form} is in {what}:\n{text}");
    }
}

/// Accounts with those passwords on both servers, and the environment that uses them.
fn accounts(fleet: &Fleet) -> Variables {
    let [(broker, broker_encoded), (database, database_encoded)] = PASSWORDS;
    let (amqp, mysql) = (fleet.amqps_url(), fleet.mysql_url());
    let (_, vhost) = amqp.rsplit_once('/').unwrap();
    let (_, schema) = mysql.rsplit_once('/').unwrap();
    let user = format!("secret_{schema}");
    fleet.sql(&format!(
        "CREATE USER {user}@'127.0.0.1' IDENTIFIED BY '{database}'; GRANT ALL ON {schema}.* TO {user}@'127.0.0.1'"
    ));
    let rabbitmq = &fleet.servers().stack.rabbitmq;
    rabbitmq.ctl(&["add_user", &user, broker]).unwrap();
    rabbitmq.ctl(&["set_permissions", "-p", vhost, &user, ".*", ".*", ".*"]).unwrap();
    let ca = fleet.file("ca.pem", &fleet.authority().pem);
    vec![
        (AMQP, format!("amqps://{user}:{broker_encoded}@{}/{vhost}", server(&amqp))),
        (MYSQL, format!("mysql://{user}:{database_encoded}@{}/{schema}?require_ssl=true", server(&mysql))),
        ("QUERYFLEET_AMQP_CA", ca.clone()),
        ("QUERYFLEET_MYSQL_CA", ca),
        (KEY, SIGNING_KEYS.join(",")),
        ("QUERYFLEET_LOG", EVERYTHING.to_owned()),
    ]
}

fn worker(fleet: &Fleet, variables: &Variables, metrics: &Port) -> Worker {
    let listen = format!("127.0.0.1:{}", metrics.number());
    let variables = with(variables, "QUERYFLEET_METRICS_LISTEN", listen);
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, &**value)).collect();
    fleet.worker_with(2, &variables)
}

/// What anybody on the machine, or with access to its metrics, can see of a worker.
fn look_at(worker: &Worker, metrics: &Port) {
    let address = format!("127.0.0.1:{}", metrics.number());
    is_clean("the log", &worker.log());
    for path in ["/metrics", "/livez", "/readyz", "/nothing?"] {
        let (status, body) = get(&address, path);
        assert_ne!(status, 0, "{path}");
        is_clean(path, &body);
    }
    let process = Path::new("/proc").join(worker.pid().to_string());
    for file in ["cmdline", "comm", "status"] {
        let bytes = std::fs::read(process.join(file)).unwrap();
        is_clean(file, &String::from_utf8_lossy(&bytes));
    }
}

fn look_at_output(output: &Output) {
    is_clean("standard output", &output.out);
    is_clean("standard error", &output.err);
}

#[test]
fn a_worker_at_work_shows_no_secret() {
    let fleet = Fleet::with_tls();
    let variables = accounts(&fleet);
    fleet.make_counters(2);
    let script = [
        "UPDATE t SET n = n + 1 WHERE id > 0;",
        "SELECT * FROM nowhere;",
        "INSERT INTO t (id) VALUES (1);",
        "DELETE FROM t WHERE id = 0;",
    ];
    let script = fleet.script(script);
    let script = script.to_str().unwrap();
    let metrics = Port::reserve().unwrap();
    for format in ["text", "json"] {
        let variables = with(
            &with(&variables, "QUERYFLEET_LOG_FORMAT", format),
            "QUERYFLEET_ALLOW",
            "update,select,insert",
        );
        look_at_output(&run(&fleet, &["publish", script, "--run", format], &variables).expect(0));
        fleet.send(b"neither signed nor readable");
        let mut worker = worker(&fleet, &variables, &metrics);
        look_at_output(&run(&fleet, &["wait", format], &variables).expect(3));
        eventually(std::time::Duration::from_secs(30), "the message is dead", || {
            fleet.dead().iter().any(|(_, reason, _)| reason == "unverified")
        });
        look_at(&worker, &metrics);
        for arguments in [
            &["doctor", "--json"][..],
            &["doctor"],
            &["dead", "list", "--json"],
            &["dead", "show", format, "2", "--json"],
            &["status", "--json"],
            &["run", script, "--again"],
        ] {
            look_at_output(&run(&fleet, arguments, &variables));
        }
        assert_eq!(worker.drain(), Some(0));
        is_clean("the log", &worker.log());
        assert!(worker.log().len() > 500, "something was logged: {}", worker.log());
    }
    // What the collector keeps of a message, and why a job died.
    let kept: Vec<(String, Option<String>)> = fleet.rows("SELECT message, statement FROM queryfleet_dead");
    is_clean("the dead jobs", &format!("{kept:?}"));
}

#[test]
fn a_process_that_cannot_connect_shows_no_secret() {
    let fleet = Fleet::with_tls();
    let good = accounts(&fleet);
    let (amqp, mysql) = (good[0].1.clone(), good[1].1.clone());
    let strangers = fleet.file("strangers.pem", &Authority::new("somebody else").pem);
    let elsewhere = |url: &str| url.replace("127.0.0.1:", "elsewhere.invalid:");
    let nobody = |url: &str| url.replace("secret_", "nobody_");
    let wrong = [
        with(&good, AMQP, nobody(&amqp)),
        with(&good, MYSQL, nobody(&mysql)),
        with(&good, AMQP, elsewhere(&amqp)),
        with(&good, MYSQL, elsewhere(&mysql)),
        with(&good, "QUERYFLEET_AMQP_CA", &strangers),
        with(&good, "QUERYFLEET_MYSQL_CA", &strangers),
        // The password was not encoded, or the scheme is wrong: the URL cannot be read at all.
        with(&good, AMQP, amqp.replace(PASSWORDS[0].1, PASSWORDS[0].0)),
        with(&good, MYSQL, mysql.replace(PASSWORDS[1].1, PASSWORDS[1].0)),
        with(&good, MYSQL, mysql.replace("mysql:", "postgres:")),
        with(&good, MYSQL, mysql.replace("require_ssl=true", PASSWORDS[1].1)),
        with(&good, KEY, "s1gning-key of today,short"),
        // In the wrong variable.
        with(&good, AMQP, &mysql),
        with(&good, "QUERYFLEET_SLOTS", SIGNING_KEYS[0]),
        with(&good, "QUERYFLEET_LOG", format!("{}=much", PASSWORDS[0].0)),
    ];
    let metrics = Port::reserve().unwrap();
    for (index, variables) in wrong.iter().enumerate() {
        let format = ["text", "json"][index % 2];
        let variables = with(variables, "QUERYFLEET_LOG_FORMAT", format);
        for arguments in [&["setup"][..], &["doctor", "--json"]] {
            look_at_output(&run(&fleet, arguments, &variables).expect(1));
        }
        // One that waits is told to stop; any other has ended.
        let mut worker = worker(&fleet, &variables, &metrics);
        eventually(std::time::Duration::from_secs(30), "it waits or has ended", || {
            worker.log().contains("worker waits") || !worker.is_running()
        });
        if worker.is_running() {
            look_at(&worker, &metrics);
            worker.drain();
        }
        is_clean("the log", &worker.log());
    }
}
