//! The servers, and a share of them for each test.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use queryfleet_devstack::{Options, RabbitMq, Stack, Tls};
use tempfile::TempDir;

use crate::Authority;

/// Virtual hosts that the first shared node has from its first moment, as many as tests share it, and the next has twice as
/// many, up to the second of these: one takes some 0.15 s, which a few tests need not wait for.
const SHARED: [usize; 2] = [8, 128];
/// The same of the node with TLS.
const TLS: usize = 8;

/// A pair of servers whose virtual hosts are given out one by one.
pub struct Servers {
    /// The servers.
    pub stack: Stack,
    /// Who has signed their certificates, when they offer TLS, and where the files are.
    pub(crate) tls: Option<(Authority, TempDir)>,
    vhosts: usize,
    given: AtomicUsize,
}

impl Servers {
    fn start(vhosts: usize, peers: usize) -> Arc<Servers> {
        Servers::with(Options { vhosts, peers, ..Options::default() }, None)
    }

    fn with(options: Options, tls: Option<(Authority, TempDir)>) -> Arc<Servers> {
        // Set by `make compat`.
        let root = std::env::var_os("QUERYFLEET_TEST_ROOT").map(Into::into);
        let vhosts = options.vhosts;
        let stack = Stack::start(&Options { root, ..options }).expect("private servers start");
        Arc::new(Servers { stack, tls, vhosts, given: AtomicUsize::new(0) })
    }

    /// Servers that also offer TLS, as the machine of these names.
    pub(crate) fn with_tls(names: &[&str], clients_need_one: bool) -> Arc<Servers> {
        Servers::with_files(TLS, |authority, folder| authority.server(folder, names, clients_need_one))
    }

    /// The machine 127.0.0.1, for one test, with a certificate that has expired.
    pub(crate) fn with_expired_tls() -> Arc<Servers> {
        Servers::with_files(1, |authority, folder| authority.expired_server(folder, &["127.0.0.1"]))
    }

    fn with_files(vhosts: usize, files: impl Fn(&Authority, &Path) -> Tls) -> Arc<Servers> {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::new("authority of the tests");
        let tls = files(&authority, folder.path());
        Servers::with(Options { vhosts, tls: Some(tls), ..Options::default() }, Some((authority, folder)))
    }

    /// The servers with TLS of this process: the machine 127.0.0.1.
    pub(crate) fn shared_tls() -> Arc<Servers> {
        static SERVERS: OnceLock<Arc<Servers>> = OnceLock::new();
        SERVERS.get_or_init(|| Servers::with_tls(&["127.0.0.1"], false)).clone()
    }

    /// The servers that the tests of this process share, and a share of them. When all is given out, others are started, and
    /// the former end with their last test. A static is never dropped: the stack's watchdog ends the last with the process.
    pub(crate) fn shared() -> (Arc<Servers>, String) {
        static SERVERS: Mutex<Option<Arc<Servers>>> = Mutex::new(None);
        // A test that could not start them has said so.
        let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(servers) = &*servers
            && let Some(share) = servers.give()
        {
            return (servers.clone(), share);
        }
        // It boots once, and handles the messages of many tests.
        let vhosts = servers.as_ref().map_or(SHARED[0], |last| (2 * last.vhosts).min(SHARED[1]));
        let options = Options { vhosts, sleepy_broker: true, ..Options::default() };
        let started = Servers::with(options, None);
        let share = started.give().expect("nobody has any of it yet");
        *servers = Some(started.clone());
        (started, share)
    }

    /// Servers for one test that stops or freezes them: some 4 s.
    pub(crate) fn own() -> Arc<Servers> {
        Servers::start(1, 0)
    }

    /// The same with a replica of the database: some 5 s.
    pub(crate) fn with_replica() -> Arc<Servers> {
        Servers::with(Options { vhosts: 1, replica: true, ..Options::default() }, None)
    }

    /// The same with a cluster of three RabbitMQ nodes: some 10 s.
    pub(crate) fn cluster() -> Arc<Servers> {
        Servers::start(1, 2)
    }

    /// The RabbitMQ nodes, the first one first.
    pub fn nodes(&self) -> impl Iterator<Item = &RabbitMq> {
        std::iter::once(&self.stack.rabbitmq).chain(&self.stack.peers)
    }

    /// The name of a virtual host, and of a database to make, that no other test has; `None` if all are given out.
    pub(crate) fn give(&self) -> Option<String> {
        let given = self.given.fetch_add(1, Ordering::Relaxed) + 1;
        (given <= self.vhosts).then(|| format!("t{given}"))
    }
}

/// The runtime behind the blocking clients of the tests.
pub(crate) fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
    })
}
