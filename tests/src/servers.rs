//! The servers, and a share of them for each test.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use devstack::{Options, Stack};

/// Virtual hosts that the shared node has from its first moment: as many tests as there can be.
const SHARED: usize = 112;

/// A pair of servers whose virtual hosts are given out one by one.
pub struct Servers {
    /// The servers.
    pub stack: Stack,
    vhosts: usize,
    given: AtomicUsize,
}

impl Servers {
    fn start(vhosts: usize) -> Arc<Servers> {
        let stack = Stack::start(&Options { folder: None, vhosts }).expect("private servers start");
        Arc::new(Servers { stack, vhosts, given: AtomicUsize::new(0) })
    }

    /// The servers of this process. A static is never dropped: the stack's watchdog ends them with the process.
    pub(crate) fn shared() -> Arc<Servers> {
        static SERVERS: OnceLock<Arc<Servers>> = OnceLock::new();
        SERVERS.get_or_init(|| Servers::start(SHARED)).clone()
    }

    /// Servers for one test that stops or freezes them: some 4 s.
    pub(crate) fn own() -> Arc<Servers> {
        Servers::start(1)
    }

    /// The name of a virtual host, and of a database to make, that no other test has.
    pub(crate) fn give(&self) -> String {
        let given = self.given.fetch_add(1, Ordering::Relaxed) + 1;
        assert!(given <= self.vhosts, "more tests than virtual hosts: raise SHARED");
        format!("t{given}")
    }
}

/// The runtime behind the blocking clients of the tests.
pub(crate) fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
    })
}
