//! What a stack promises while it runs.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests fail by panicking, as tests do"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use queryfleet_devstack::{Options, Stack};

/// One for all tests of this file; those that stop a server have it to themselves. A static is never dropped: the
/// watchdog alone ends this one.
fn stack() -> &'static Stack {
    static STACK: OnceLock<Stack> = OnceLock::new();
    STACK.get_or_init(|| {
        let began = Instant::now();
        let stack = Stack::start(&Options { vhosts: 2, ..Options::default() }).unwrap();
        println!("both servers were up after {} ms", began.elapsed().as_millis());
        stack
    })
}

/// User, password and port of a URL like `scheme://user:password@127.0.0.1:port/path`.
fn parts(url: &str) -> (&str, &str, u16) {
    let (_, rest) = url.split_once("://").unwrap();
    let (credentials, address) = rest.split_once("@127.0.0.1:").unwrap();
    let (user, password) = credentials.split_once(':').unwrap();
    (user, password, address.split_once('/').unwrap().0.parse().unwrap())
}

fn sql_over_tcp(user: &str, password: &str, sql: &str) -> Output {
    let port = parts(&stack().mysql_url()).2;
    Command::new("mariadb")
        .args(["--no-defaults", "--protocol=TCP", "--host=127.0.0.1", "--batch", "--skip-column-names"])
        .arg(format!("--port={port}"))
        .arg(format!("--user={user}"))
        .env("MYSQL_PWD", password)
        .args(["--execute", sql])
        .output()
        .unwrap()
}

#[test]
fn the_environment_reaches_both_servers_and_nobody_else_does() {
    let stack = stack();
    let env = stack.env();
    assert_eq!(env[0], ("QUERYFLEET_AMQP_URL", stack.rabbitmq.url("/")));
    assert_eq!(env[1], ("QUERYFLEET_MYSQL_URL", stack.database.url("queryfleet")));

    let (user, password, _) = parts(&env[1].1);
    let output = sql_over_tcp(user, password, "USE queryfleet; SELECT @@innodb_flush_log_at_trx_commit");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "1", "{output:?}");
    // Others on this machine reach neither root's socket nor a file with a password.
    assert_eq!(fs::metadata(stack.folder()).unwrap().permissions().mode() & 0o777, 0o700);
    for user in ["root", "", "nobody"] {
        assert!(!sql_over_tcp(user, "", "SELECT 1").status.success(), "{user:?} got in without a password");
    }
}

#[test]
fn a_killed_broker_comes_back_with_its_data() {
    let broker = &stack().rabbitmq;
    let (url, pid) = (broker.url("/"), broker.pid());
    let (user, password, port) = parts(&url);
    assert!(broker.ctl(&["authenticate_user", user, password]).unwrap().contains("Success"));
    assert_eq!(broker.ctl(&["-q", "list_users"]).unwrap(), format!("user\ttags\n{user}\t[administrator]\n"));

    broker.add_vhost("kept / here").unwrap();
    broker.kill().unwrap();
    assert_eq!(broker.pid(), None);
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap_err();

    broker.start_again().unwrap();
    assert_ne!(broker.pid(), pid);
    assert_eq!(broker.url("/"), url);
    let vhosts = broker.ctl(&["-q", "list_permissions", "-p", "kept / here"]).unwrap();
    assert_eq!(vhosts, format!("user\tconfigure\twrite\tread\n{user}\t.*\t.*\t.*\n"));
    let mut vhosts: Vec<String> =
        broker.ctl(&["-q", "list_vhosts", "name"]).unwrap().lines().map(str::to_owned).collect();
    vhosts.sort();
    assert_eq!(vhosts, ["/", "kept / here", "name", "t1", "t2"]);

    let metrics = get(&broker.prometheus_url());
    assert!(metrics.contains("rabbitmq_build_info{"), "{metrics}");

    broker.terminate().unwrap();
    assert_eq!(broker.pid(), None);
}

#[test]
fn a_killed_or_frozen_database_comes_back_with_its_data() {
    let database = &stack().database;
    let (url, pid) = (database.url("kept"), database.pid());
    database.create_database("kept").unwrap();
    database.create_database("kept").unwrap_err();
    database.query("CREATE TABLE kept.t (a INT); INSERT INTO kept.t VALUES (1), (NULL)").unwrap();
    database.kill().unwrap();
    assert_eq!(database.pid(), None);

    database.start_again().unwrap();
    assert_ne!(database.pid(), pid);
    assert_eq!(database.url("kept"), url);
    assert_eq!(database.query("SELECT * FROM kept.t").unwrap(), "1\nNULL\n");

    database.freeze();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, parts(&url).2)).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    stream.read_exact(&mut [0]).unwrap_err();
    database.thaw();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.read_exact(&mut [0]).unwrap();

    database.freeze();
    database.terminate().unwrap();
    assert_eq!(database.pid(), None);
    database.start_again().unwrap();
    assert_eq!(database.query("SELECT COUNT(*) FROM kept.t").unwrap(), "2\n");
}

/// The body, and the head, of an answer over HTTP.
fn get(url: &str) -> String {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn nodes_with_peers_are_one_cluster_and_come_back_to_it() {
    let stack = Stack::start(&Options { peers: 2, ..Options::default() }).unwrap();
    let running = || {
        let status = stack.rabbitmq.ctl(&["-q", "cluster_status", "--formatter", "json"]).unwrap();
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        status["running_nodes"].as_array().unwrap().len()
    };
    assert_eq!(running(), 3);
    stack.peers[0].kill().unwrap();
    assert_eq!(running(), 2);
    stack.peers[0].start_again().unwrap();
    assert_eq!(running(), 3);
    stack.stop().unwrap();
}
