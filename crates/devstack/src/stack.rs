//! Both servers together.

use std::path::{Path, PathBuf};
use std::thread;

use crate::folder::Folder;
use crate::programs::Programs;
use crate::server::Server;
use crate::{Error, MariaDb, RabbitMq, Tls};

/// How to start a [`Stack`].
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// An existing folder to make the stack's own folder in; the system's temporary folder when `None`. Only the
    /// stack's own folder is deleted in the end. Keep the path short: a socket in it must fit into 107 bytes.
    pub folder: Option<PathBuf>,
    /// Both servers also offer TLS: the database on the port that it has, the broker on [`RabbitMq::tls_url`].
    pub tls: Option<Tls>,
    /// How many virtual hosts `t1`, `t2`, … the node has from its first moment, so that each test can own one.
    /// A few cost nothing, 64 cost 1 s, while a later [`RabbitMq::add_vhost`] costs 0.5 s each.
    pub vhosts: usize,
    /// How many RabbitMQ nodes beside the first make a cluster with it: some 4 s more.
    pub peers: usize,
    /// The root folder of another system, such as a newer Debian's, whose servers are to run instead of ours. It takes
    /// root, /proc and /dev in it, and the stack's own folder at the same path as here.
    pub root: Option<PathBuf>,
    /// The broker's threads sleep at once when they have nothing to do, as RabbitMQ is shipped. For benchmarks: it
    /// boots slower, and uses less CPU.
    pub sleepy_broker: bool,
}

/// A private RabbitMQ node and a private MariaDB (or MySQL) server, both up until this is stopped or dropped, or
/// the process ends, however it ends.
pub struct Stack {
    // Dropped first: it stops all servers at once, so that the others find theirs ended.
    folder: Folder,
    /// The RabbitMQ node, or the first of a cluster.
    pub rabbitmq: RabbitMq,
    /// The other nodes of the cluster.
    pub peers: Vec<RabbitMq>,
    /// The MariaDB or MySQL server.
    pub database: MariaDb,
}

impl Stack {
    /// Starts both servers at the same time, and returns when both answer.
    ///
    /// # Errors
    /// [`Error::Missing`] says what to install; [`Error::NotUp`] carries the end of the log of a server that did
    /// not come up within 2 minutes. Whatever had been started is gone then.
    pub fn start(options: &Options) -> Result<Self, Error> {
        let Programs { broker, database } = Programs::find(options.root.as_deref())?;
        let folder = Folder::make(options.folder.as_deref())?;
        let (nodes, database) = thread::scope(|scope| {
            let database = scope.spawn(|| MariaDb::start(folder.path(), database, options.tls.clone()));
            let nodes = RabbitMq::start(folder.path(), broker, options);
            (nodes, database.join())
        });
        // A panic of the other thread goes on in this one.
        let database = database.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let (rabbitmq, peers) = nodes?;
        Ok(Self { folder, rabbitmq, peers, database: database? })
    }

    /// Where a client finds the broker's virtual host `/`.
    #[must_use]
    pub fn amqp_url(&self) -> String {
        self.rabbitmq.url("/")
    }

    /// Where a client finds the database `queryfleet`, which is there from the start, empty.
    #[must_use]
    pub fn mysql_url(&self) -> String {
        self.database.url(MariaDb::DATABASE)
    }

    /// The environment through which a queryfleet process reaches both servers: variable and value.
    #[must_use]
    pub fn env(&self) -> Vec<(&'static str, String)> {
        vec![("QUERYFLEET_AMQP_URL", self.amqp_url()), ("QUERYFLEET_MYSQL_URL", self.mysql_url())]
    }

    /// The stack's own folder: data and logs (`rabbitmq.log`, `mariadb.log`) of both servers.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// One more process of this stack, such as a worker, to be started; `name` is a file name that no other has.
    #[must_use]
    pub fn process(&self, name: &'static str) -> Server {
        Server::new(name, self.folder.path())
    }

    /// Stops both servers, and every other process of the stack, and deletes the folder.
    ///
    /// # Errors
    /// [`Error::NotStopped`] when the watchdog could not do so; a drop does the same and keeps silent about it.
    pub fn stop(mut self) -> Result<(), Error> {
        self.folder.close()
    }
}
