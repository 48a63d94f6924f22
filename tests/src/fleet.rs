//! One test's world.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mysql_async::prelude::FromRow;
use queryfleet_job::{Chunk, Job, LedgerId, RunId};
use tempfile::TempDir;

use crate::{Authority, Client, Output, Servers, Worker, output};

/// How long a command of a test may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(90);
/// Short waits, so that what a fleet does in minutes is seen in seconds.
const ENVIRONMENT: [(&str, &str); 7] = [
    ("QUERYFLEET_RETRY_TIERS", "100ms,300ms,1s"),
    ("QUERYFLEET_HEARTBEAT_INTERVAL", "500ms"),
    ("QUERYFLEET_RUN_POLL_INTERVAL", "200ms"),
    ("QUERYFLEET_BACKOFF_MAX", "500ms"),
    ("QUERYFLEET_MISSING_TIMEOUT", "3s"),
    ("QUERYFLEET_METRICS_LISTEN", "127.0.0.1:0"),
    ("QUERYFLEET_LOG", "info"),
];

/// A virtual host, a database with the tables of queryfleet, a folder, and the environment that leads there.
pub struct Fleet {
    servers: Arc<Servers>,
    share: String,
    folder: Arc<TempDir>,
    processes: Arc<AtomicUsize>,
    program: PathBuf,
}

impl Fleet {
    /// A world on servers that many tests of this process share.
    pub fn new() -> Fleet {
        let (servers, share) = Servers::shared();
        Fleet::of(servers, share)
    }

    /// A world on servers of its own, for a test that stops or freezes them.
    pub fn with_own_servers() -> Fleet {
        Fleet::on(Servers::own())
    }

    /// A world on servers of its own, of which the database has a replica.
    pub fn with_replica() -> Fleet {
        Fleet::on(Servers::with_replica())
    }

    /// The URL of this world's database on the replica.
    pub fn replica_url(&self) -> String {
        self.replica().url(&self.share)
    }

    /// The replica.
    pub fn replica(&self) -> &queryfleet_devstack::MariaDb {
        self.servers.stack.replica.as_ref().expect("a fleet with a replica")
    }

    /// A world on servers of its own, of which the broker has three nodes.
    pub fn with_cluster() -> Fleet {
        Fleet::on(Servers::cluster())
    }

    /// A world on servers that offer TLS too, as the machine 127.0.0.1. Its own processes talk in the clear unless they
    /// are told otherwise.
    pub fn with_tls() -> Fleet {
        Fleet::on(Servers::shared_tls())
    }

    /// A world on servers of its own, the machine 127.0.0.1, whose certificate has expired.
    pub fn with_expired_certificates() -> Fleet {
        Fleet::on(Servers::with_expired_tls())
    }

    /// A world on servers of its own, whose TLS is that of the machine `localhost`. Its broker's takes nobody without
    /// a certificate.
    pub fn with_client_certificates() -> Fleet {
        Fleet::on(Servers::with_tls(&["localhost"], true))
    }

    fn on(servers: Arc<Servers>) -> Fleet {
        let share = servers.give().expect("fewer tests than virtual hosts");
        Fleet::of(servers, share)
    }

    fn of(servers: Arc<Servers>, share: String) -> Fleet {
        let folder = tempfile::Builder::new().prefix("queryfleet-test-").tempdir().expect("a folder");
        let folder = Arc::new(folder);
        let fleet = Fleet { servers, share, folder, processes: Arc::default(), program: program() };
        let mut root = Client::connect(&fleet.servers.stack.mysql_url());
        root.run(&format!("CREATE DATABASE {}", fleet.share)).expect("a database of its own");
        fleet.run(&["setup"]).expect(0);
        fleet
    }

    /// The same world, whose commands and workers are those of another program.
    pub fn of_program(&self, program: PathBuf) -> Fleet {
        let (servers, share) = (Arc::clone(&self.servers), self.share.clone());
        let (folder, processes) = (Arc::clone(&self.folder), Arc::clone(&self.processes));
        Fleet { servers, share, folder, processes, program }
    }

    /// The servers below.
    pub fn servers(&self) -> &Servers {
        &self.servers
    }

    /// Where the broker is, the test's virtual host included; its first node.
    pub fn amqp_url(&self) -> String {
        self.servers.stack.rabbitmq.url(&self.share)
    }

    /// Where all nodes of the broker are, with these parameters, as QUERYFLEET_AMQP_URL takes them.
    pub fn amqp_urls(&self, parameters: &str) -> String {
        let urls: Vec<String> = self.servers.nodes().map(|node| node.url(&self.share) + parameters).collect();
        urls.join(",")
    }

    /// Where the database is.
    pub fn mysql_url(&self) -> String {
        self.servers.stack.database.url(&self.share)
    }

    /// The broker's URL for TLS.
    pub fn amqps_url(&self) -> String {
        self.servers.stack.rabbitmq.tls_url(&self.share).expect("servers with TLS")
    }

    /// Who has signed the servers' certificates.
    pub fn authority(&self) -> &Authority {
        &self.servers.tls.as_ref().expect("servers with TLS").0
    }

    /// The name of its virtual host and of its database.
    pub fn share(&self) -> &str {
        &self.share
    }

    /// A file of the test's.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        self::path(&path).to_owned()
    }

    /// The passwords of both URLs.
    pub fn secrets(&self) -> Vec<String> {
        let password = |url: String| {
            let (_, after) = url.split_once("://").expect("a URL");
            let (user, _) = after.split_once('@').expect("a user");
            user.split_once(':').expect("a password").1.to_owned()
        };
        vec![password(self.amqp_url()), password(self.mysql_url())]
    }

    /// The database's URL for a user with the rights of a worker and no more: what a server refuses to such a user it
    /// grants to the one of [`mysql_url`](Fleet::mysql_url).
    pub fn plain_mysql_url(&self) -> String {
        let (password, share) = ("the-plain-users-password", &self.share);
        self.sql(&format!(
            "CREATE USER plain_{share}@'127.0.0.1' IDENTIFIED BY '{password}'; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON `{share}`.* TO plain_{share}@'127.0.0.1'"
        ));
        let url = self.mysql_url();
        let (_, after) = url.split_once('@').expect("a user in the URL");
        format!("mysql://plain_{share}:{password}@{after}")
    }

    /// Runs rabbitmqctl on the test's virtual host, on the first node that serves: some 0.5 s.
    pub fn ctl(&self, arguments: &[&str]) -> String {
        let (command, rest) = arguments.split_first().expect("a command");
        let arguments = [&["-q", command, "-p", &self.share], rest].concat();
        let mut answer = self.servers.stack.rabbitmq.ctl(&arguments);
        for peer in &self.servers.stack.peers {
            answer = answer.or_else(|_| peer.ctl(&arguments));
        }
        answer.expect("rabbitmqctl")
    }

    // ---- scripts

    /// A script of these lines, as they are.
    pub fn script<T: AsRef<str>>(&self, lines: impl IntoIterator<Item = T>) -> PathBuf {
        let text = lines.into_iter().fold(String::new(), |text, line| text + line.as_ref() + "\n");
        let path = self.folder.path().join(format!("script-{}.sql", self.next()));
        std::fs::write(&path, text).expect("a script");
        path
    }

    /// A table `t` with `count` counters at 0, and the script that increments each of them once.
    pub fn counters(&self, count: u64) -> PathBuf {
        self.make_counters(count);
        self.script((1..=count).map(increment))
    }

    /// A statement that fails, in no way that is listed, for as long as the answer lives, and increments a counter once
    /// it does not. The fault holds no lock of a table.
    pub fn broken(&self, id: u64) -> (String, Client) {
        let name = format!("broken {}", self.share);
        let mut client = self.client();
        client.run(&format!("DO GET_LOCK('{name}', 0)")).expect("nobody else has it");
        let two_rows =
            format!("SELECT 1 UNION ALL SELECT 1 FROM DUAL WHERE IS_USED_LOCK('{name}') IS NOT NULL");
        (format!("UPDATE t SET n = n + ({two_rows}) WHERE id = {id};"), client)
    }

    /// A table `t (id, n)` with `count` rows at 0.
    pub fn make_counters(&self, count: u64) {
        self.sql("CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY, n INT NOT NULL DEFAULT 0) ENGINE=InnoDB");
        let mut client = self.client();
        for first in (1..=count).step_by(1000) {
            let last = count.min(first + 999);
            let mut insert = format!("INSERT INTO t (id) VALUES ({first})");
            (first + 1..=last).for_each(|id| write!(insert, ",({id})").expect("into a String"));
            client.run(&insert).expect("rows");
        }
    }

    /// Requires that every counter is exactly 1.
    ///
    /// # Panics
    /// With the counts of what was lost and what was doubled, and some of it.
    #[track_caller]
    pub fn assert_each_once(&self) {
        let wrong: Vec<(u64, i64)> = self.rows("SELECT id, n FROM t WHERE n <> 1 ORDER BY id");
        let lost = wrong.iter().filter(|(_, n)| *n < 1).count();
        let shown = &wrong[..wrong.len().min(10)];
        assert!(wrong.is_empty(), "lost-count {lost}, doubled-count {}: {shown:?} …", wrong.len() - lost);
    }

    // ---- processes

    /// The program with the test's environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear().envs(ENVIRONMENT);
        command.env("QUERYFLEET_AMQP_URL", self.amqp_urls("")).env("QUERYFLEET_MYSQL_URL", self.mysql_url());
        command
    }

    /// A program of the database's, such as mariadb-dump, with the arguments that lead it to the test's database
    /// server. What it is given further comes after them.
    pub fn tool(&self, program: &str) -> Command {
        let url = self.mysql_url();
        let (_, after) = url.split_once("://").expect("a URL");
        let (user, server) = after.split_once('@').expect("a user");
        let (user, password) = user.split_once(':').expect("a password");
        let (host, port) = server.split_once('/').expect("a database").0.split_once(':').expect("a port");
        let mut command = Command::new(program);
        command.args(["--no-defaults", "--protocol=tcp", "--user", user, "--host", host, "--port", port]);
        command.env("MYSQL_PWD", password);
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[])
    }

    /// The same with some variables more.
    ///
    /// # Panics
    /// When it has not ended in time, or has printed a password.
    pub fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        let name = format!("command-{}", self.next());
        let mut child = output::spawn(command, self.folder.path(), &name);
        let status = output::wait(&mut child, COMMAND_TIMEOUT);
        let read = |kind| output::read(self.folder.path(), &name, kind);
        let (out, err) = (read("out"), read("err"));
        let status = status.unwrap_or_else(|| panic!("{arguments:?} has not ended:\n{out}\n{err}"));
        let told = self.secrets().iter().any(|secret| out.contains(secret) || err.contains(secret));
        assert!(!told, "a password in the output of {arguments:?}:\n{out}\n{err}");
        let twice = output::said_twice(&err);
        assert_eq!(twice, None, "{arguments:?} says it twice");
        Output { code: status.code().unwrap_or(-1), out, err }
    }

    /// Publishes a script as the run `name`.
    #[track_caller]
    pub fn publish(&self, script: &std::path::Path, name: &str) -> Output {
        self.run(&["publish", path(script), "--run", name]).expect(0)
    }

    /// A run of `total` jobs none of which is in the queue any more, for messages that a test sends in their place; with
    /// further arguments of `publish`. To be made before anything else is in the queue.
    #[track_caller]
    pub fn hollow_run(&self, name: &str, total: u64, arguments: &[&str]) -> RunId {
        let script = self.script((1..=total).map(|seq| format!("DO {seq};")));
        self.run(&[&["publish", path(&script), "--run", name], arguments].concat()).expect(0);
        self.purge_queue();
        self.run_id(name)
    }

    /// Waits for a run.
    pub fn wait(&self, name: &str) -> Output {
        self.run(&["wait", name])
    }

    /// A worker that serves.
    pub fn worker(&self, slots: u16) -> Worker {
        let worker = self.worker_with(slots, &[]);
        worker.serves();
        worker
    }

    /// A worker with some variables more; it may not serve yet, or never.
    pub fn worker_with(&self, slots: u16, variables: &[(&str, &str)]) -> Worker {
        let mut command = self.command(&["work", "--slots", &slots.to_string()]);
        command.envs(variables.iter().copied());
        let name = format!("worker-{}", self.next());
        Worker::start(command, self.folder.path().to_owned(), name, self.secrets())
    }

    fn next(&self) -> usize {
        self.processes.fetch_add(1, Ordering::Relaxed)
    }

    // ---- database

    /// A connection to the test's database.
    pub fn client(&self) -> Client {
        Client::connect(&self.mysql_url())
    }

    /// The same; `None` while the database is down.
    pub fn try_client(&self) -> Option<Client> {
        Client::try_connect(&self.mysql_url()).ok()
    }

    /// Runs SQL.
    #[track_caller]
    pub fn sql(&self, sql: &str) {
        self.client().run(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The rows of a query.
    #[track_caller]
    pub fn rows<T: FromRow + Send + 'static>(&self, sql: &str) -> Vec<T> {
        self.client().rows(sql)
    }

    /// The one number that a query answers.
    #[track_caller]
    pub fn number(&self, sql: &str) -> u64 {
        self.rows(sql).into_iter().next().expect("a row")
    }

    /// Whether the database is MySQL, not MariaDB.
    pub fn is_mysql(&self) -> bool {
        !self.rows::<String>("SELECT VERSION()").iter().any(|version| version.contains("MariaDB"))
    }

    /// How many rows of the fleet's ledger the server reads while `body` runs: what a question costs on any machine.
    pub fn ledger_rows_read(&self, body: impl FnOnce()) -> u64 {
        let table = "TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'queryfleet_ledger'";
        let query = if self.is_mysql() {
            let table = table.replace("TABLE_", "OBJECT_");
            format!(
                "SELECT SUM(COUNT_FETCH) FROM performance_schema.table_io_waits_summary_by_table WHERE {table}"
            )
        } else {
            self.sql("SET GLOBAL userstat = 1");
            format!(
                "SELECT COALESCE(SUM(ROWS_READ), 0) FROM information_schema.TABLE_STATISTICS WHERE {table}"
            )
        };
        let before = self.number(&query);
        body();
        self.number(&query) - before
    }

    /// How many ledger rows of all runs are in a state.
    pub fn ledger(&self, state: &str) -> u64 {
        self.number(&format!("SELECT COUNT(*) FROM queryfleet_ledger WHERE state = '{state}'"))
    }

    /// Seq, reason and code of every dead job, by seq; seq 0 for messages that are none of ours.
    pub fn dead(&self) -> Vec<(u64, String, Option<u16>)> {
        self.rows("SELECT COALESCE(seq, 0), reason, code FROM queryfleet_dead ORDER BY seq, id")
    }

    /// A run's id.
    pub fn run_id(&self, name: &str) -> RunId {
        RunId(self.number(&format!("SELECT id FROM queryfleet_run WHERE name = '{name}'")))
    }

    /// A chunk of a run of this ledger, for [`send_chunk`](Fleet::send_chunk): as a program without manifests made it.
    pub fn chunk(&self, run: RunId, jobs: Vec<Job>) -> Chunk {
        let ledger: Vec<String> = self.rows("SELECT value FROM queryfleet_meta WHERE name = 'ledger'");
        Chunk { run, ledger: LedgerId(ledger[0].clone()), manifest: None, session: 0, not_atomic: None, jobs }
    }
}

impl Default for Fleet {
    fn default() -> Fleet {
        Fleet::new()
    }
}

/// The statement that increments one counter.
fn increment(id: u64) -> String {
    format!("UPDATE t SET n = n + 1 WHERE id = {id};")
}

fn path(path: &std::path::Path) -> &str {
    path.to_str().expect("a path of ours")
}

/// The program under test: cargo puts it beside other programs, above the folder of the test binaries.
pub fn program() -> PathBuf {
    let here = std::env::current_exe().expect("a path of this process");
    let folder = here.parent().expect("target/debug/…");
    let folder = if folder.ends_with("deps") { folder.parent().expect("target/debug") } else { folder };
    folder.join("queryfleet-under-test")
}
