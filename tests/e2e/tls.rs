//! TLS to both servers: verified, on every connection, and never less than was asked for.

use queryfleet_tests::{Authority, Fleet, Output, eventually};
use std::time::Duration;

const AMQP: &str = "QUERYFLEET_AMQP_URL";
const AMQP_CA: &str = "QUERYFLEET_AMQP_CA";
const MYSQL: &str = "QUERYFLEET_MYSQL_URL";
const MYSQL_CA: &str = "QUERYFLEET_MYSQL_CA";
const SOON: Duration = Duration::from_secs(30);

/// The variables of one process.
pub(crate) type Variables = Vec<(&'static str, String)>;

/// What asks for TLS to both servers and lets it succeed.
fn secure(fleet: &Fleet) -> Variables {
    let ca = fleet.file("ca.pem", &fleet.authority().pem);
    let mysql = fleet.mysql_url() + "?require_ssl=true";
    vec![(AMQP, fleet.amqps_url()), (AMQP_CA, ca.clone()), (MYSQL, mysql), (MYSQL_CA, ca)]
}

/// The same with another value of one variable.
pub(crate) fn with(variables: &Variables, name: &'static str, value: impl Into<String>) -> Variables {
    let others = variables.iter().filter(|(other, _)| *other != name).cloned();
    others.chain([(name, value.into())]).collect()
}

pub(crate) fn run(fleet: &Fleet, arguments: &[&str], variables: &Variables) -> Output {
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, &**value)).collect();
    fleet.run_with(arguments, &variables)
}

/// `host:port` of a URL.
pub(crate) fn server(url: &str) -> &str {
    let (_, after) = url.split_once('@').unwrap();
    after.split('/').next().unwrap()
}

/// An account that the server lets in under this condition only, and its URL.
pub(crate) fn account(fleet: &Fleet, name: &str, condition: &str) -> String {
    let url = fleet.mysql_url();
    let (_, database) = url.rsplit_once('/').unwrap();
    let password = "an-accounts-passw0rd";
    fleet.sql(&format!(
        "CREATE USER {name}_{database}@'127.0.0.1' IDENTIFIED BY '{password}' REQUIRE {condition}; \
         GRANT ALL ON {database}.* TO {name}_{database}@'127.0.0.1'"
    ));
    format!("mysql://{name}_{database}:{password}@{}/{database}?require_ssl=true", server(&url))
}

/// What the broker says of the connections in the test's virtual host: whether each has TLS.
fn broker_connections(fleet: &Fleet) -> Vec<String> {
    let url = fleet.amqp_url();
    let (_, vhost) = url.rsplit_once('/').unwrap();
    let all = fleet.servers().stack.rabbitmq.ctl(&["-q", "list_connections", "vhost", "ssl"]).unwrap();
    let ours = all.lines().filter_map(|line| line.strip_prefix(&format!("{vhost}\t")));
    ours.map(|tls| tls.trim().to_owned()).collect()
}

#[test]
fn every_connection_has_tls_where_the_urls_ask_for_it() {
    let fleet = Fleet::with_tls();
    let script = fleet.counters(50);
    // The server lets this account in over TLS only, whoever connects: slots, heartbeat, killer, producer, doctor.
    let variables = with(&secure(&fleet), MYSQL, account(&fleet, "secure", "SSL"));
    run(&fleet, &["publish", script.to_str().unwrap(), "--run", "good"], &variables).expect(0);
    let sleeper = fleet.script(["DO SLEEP(600);"]);
    run(&fleet, &["publish", sleeper.to_str().unwrap(), "--run", "late"], &variables).expect(0);

    let hasty = [("QUERYFLEET_STATEMENT_TIMEOUT", "1s"), ("QUERYFLEET_MAX_ATTEMPTS", "2")];
    let for_worker: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, &**value)).chain(hasty).collect();
    let mut worker = fleet.worker_with(2, &for_worker);
    run(&fleet, &["wait", "good"], &variables).expect(0);
    run(&fleet, &["wait", "late"], &variables).expect(3);
    fleet.assert_each_once();
    assert_eq!(fleet.dead()[0].1, "timeout", "killed from a side connection");
    // The one that consumes, and the one that published the retry.
    eventually(SOON, "both connections of the worker, with TLS", || {
        broker_connections(&fleet) == ["true", "true"]
    });

    let found = run(&fleet, &["doctor"], &variables).expect(0);
    assert!(found.out.contains("ok    database TLS      in use, verified: TLSv1."), "{found:#?}");
    assert!(found.out.contains("ok    broker TLS        in use, verified"), "{found:#?}");
    run(&fleet, &["dead", "replay", "--run", "late"], &variables).expect(0);
    run(&fleet, &["cancel", "late", "--now"], &variables).expect(0);
    run(&fleet, &["status", "--json"], &variables).expect(0);
    assert_eq!(worker.drain(), Some(0));
    // And the account is what it should be.
    let plain = with(&variables, MYSQL, variables[3].1.replace("?require_ssl=true", ""));
    let plain: Variables = plain.into_iter().filter(|(name, _)| *name != MYSQL_CA).collect();
    run(&fleet, &["status"], &plain).expect(1).says("?require_ssl=true");
}

/// Requires that every command ends with these words, and has published nothing.
#[track_caller]
pub(crate) fn is_refused(fleet: &Fleet, variables: &Variables, check: &str, words: &[&str]) {
    let script = fleet.script(["DO 1;"]);
    for arguments in [&["setup"][..], &["publish", script.to_str().unwrap()], &["work"], &["doctor"]] {
        let output = run(fleet, arguments, variables).expect(1);
        let text = format!("{}{}", output.out, output.err);
        assert!(words.iter().all(|word| text.contains(word)), "{words:?} of {arguments:?}: {text}");
        let failed = format!("fail  {check}");
        assert!(arguments != ["doctor"] || output.out.contains(&failed), "{failed}: {text}");
    }
    assert_eq!(fleet.ready(""), 0);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 0);
}

#[test]
fn a_server_that_cannot_prove_who_it_is_is_refused() {
    let fleet = Fleet::with_tls();
    let good = secure(&fleet);
    let strangers = fleet.file("strangers.pem", &Authority::new("somebody else").pem);
    for (url, ca, check) in [(AMQP, AMQP_CA, "broker TLS"), (MYSQL, MYSQL_CA, "database TLS")] {
        let right = &good.iter().find(|(name, _)| *name == url).unwrap().1;
        let of_strangers = with(&good, ca, &strangers);
        is_refused(
            &fleet,
            &of_strangers,
            check,
            &[server(right), "not from an authority in", &strangers, ca],
        );
        let other_name = right.replace("127.0.0.1", "localhost");
        let words = [server(&other_name), "for another name", url];
        is_refused(&fleet, &with(&good, url, &other_name), check, &words);
        // Without a CA of ours nobody stands for it, though the URL and the name are right.
        let without: Variables = good.iter().filter(|(name, _)| *name != ca).cloned().collect();
        is_refused(&fleet, &without, check, &[ca]);
    }
    // The one way to do without, and it has to be written down.
    let mysql = fleet.mysql_url() + "?require_ssl=true&verify_ca=false";
    let careless = with(&with(&good, MYSQL, mysql), MYSQL_CA, &strangers);
    run(&fleet, &["doctor"], &careless)
        .expect(0)
        .says("warn  database TLS      in use, but anybody could be");
}

#[test]
fn a_server_whose_certificate_has_expired_is_refused() {
    let fleet = Fleet::with_expired_certificates();
    let good = secure(&fleet);
    for (url, ca, check) in [(AMQP, AMQP_CA, "broker TLS"), (MYSQL, MYSQL_CA, "database TLS")] {
        let right = &good.iter().find(|(name, _)| *name == url).unwrap().1;
        // TLS to this server alone: it is the one that is named.
        let variables: Variables =
            good.iter().filter(|(name, _)| [url, ca].contains(name)).cloned().collect();
        is_refused(&fleet, &variables, check, &[server(right), "its certificate has expired: renew it"]);
    }
}

#[test]
fn a_server_without_tls_is_refused_and_never_talked_to_in_the_clear() {
    let fleet = Fleet::with_tls();
    let good = secure(&fleet);
    let in_the_clear = fleet.amqp_url().replace("amqp://", "amqps://");
    let words = [server(&in_the_clear), "does not speak TLS", AMQP];
    is_refused(&fleet, &with(&good, AMQP, &in_the_clear), "broker TLS", &words);

    let plain = Fleet::new();
    let asks = vec![(MYSQL, plain.mysql_url() + "?require_ssl=true")];
    is_refused(&plain, &asks, "database TLS", &[server(&plain.mysql_url())]);
    // To name an authority is to ask for TLS, whatever the URL says.
    let url = plain.mysql_url() + "?require_ssl=false";
    let names_one = vec![(MYSQL, url), (MYSQL_CA, fleet.file("ca.pem", &fleet.authority().pem))];
    is_refused(&plain, &names_one, "database TLS", &[server(&plain.mysql_url())]);
    let unused = with(&good, AMQP, fleet.amqp_url());
    run(&fleet, &["work"], &unused).expect(1).says("QUERYFLEET_AMQP_CA is set but").says("write amqps://");
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_its_variable() {
    let fleet = Fleet::with_tls();
    let good = secure(&fleet);
    let pair = fleet.authority().sign("worker", &[]);
    let (cert, key) = (fleet.file("own.pem", &pair.cert), fleet.file("own.key", &pair.key));
    let locked = pair.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let locked = fleet.file("locked.key", &locked);
    let others = fleet.file("others.key", &Authority::new("other").sign("worker", &[]).key);
    for (server, check) in [("AMQP", "broker TLS"), ("MYSQL", "database TLS")] {
        let name = |end: &str| -> &'static str { format!("QUERYFLEET_{server}_{end}").leak() };
        let whole = with(&with(&good, name("CERT"), &cert), name("KEY"), &key);
        for end in ["CA", "CERT", "KEY"] {
            let missing = with(&whole, name(end), "/nowhere/file.pem");
            is_refused(&fleet, &missing, check, &["/nowhere/file.pem", name(end), "No such file"]);
        }
        is_refused(
            &fleet,
            &with(&whole, name("CA"), &key),
            check,
            &[&key, name("CA"), "no certificate in PEM"],
        );
        is_refused(&fleet, &with(&whole, name("KEY"), &cert), check, &[&cert, name("KEY"), "no private key"]);
        let words = [&*locked, name("KEY"), "openssl pkcs8 -topk8 -nocrypt"];
        is_refused(&fleet, &with(&whole, name("KEY"), &locked), check, &words);
        let words = [name("CERT"), name("KEY"), "do not belong together"];
        is_refused(&fleet, &with(&whole, name("KEY"), &others), check, &words);
    }
}
