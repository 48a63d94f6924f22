//! Both servers together.

use std::path::Path;
use std::thread;

use crate::folder::Folder;
use crate::mariadb::Role;
use crate::programs::{Database, Programs};
use crate::{Error, MariaDb, Options, Process, RabbitMq};

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
    /// A second one, which replicates it, if that was wanted.
    pub replica: Option<MariaDb>,
}

impl Stack {
    /// Starts both servers at the same time and returns when both answer.
    ///
    /// # Errors
    /// [`Error::Missing`] says what to install; [`Error::NotUp`] has the end of the log of a server that did not come up
    /// within 2 minutes. Whatever was started is stopped again.
    pub fn start(options: &Options) -> Result<Self, Error> {
        let Programs { broker, database } = Programs::find(options.root.as_deref())?;
        let folder = Folder::make(options.folder.as_deref())?;
        let (nodes, database) = thread::scope(|scope| {
            let database = scope.spawn(|| start_databases(folder.path(), database, options));
            let nodes = RabbitMq::start(folder.path(), broker, options);
            (nodes, database.join())
        });
        // A panic of the other thread continues in this one.
        let database = database.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let (rabbitmq, peers) = nodes?;
        let (database, replica) = database?;
        Ok(Self { folder, rabbitmq, peers, database, replica })
    }

    /// The URL of the broker's virtual host `/`, user and password included.
    #[must_use]
    pub fn amqp_url(&self) -> String {
        self.rabbitmq.url("/")
    }

    /// The URL of the database `queryfleet`, which exists from the start, empty; user and password included.
    #[must_use]
    pub fn mysql_url(&self) -> String {
        self.database.url(MariaDb::DATABASE)
    }

    /// The environment with which a queryfleet process reaches both servers: variables and values.
    #[must_use]
    pub fn env(&self) -> Vec<(&'static str, String)> {
        vec![("QUERYFLEET_AMQP_URL", self.amqp_url()), ("QUERYFLEET_MYSQL_URL", self.mysql_url())]
    }

    /// The stack's own folder: data and logs (`rabbitmq.log`, `mariadb.log`) of both servers.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Another process of this stack, such as a worker, not started yet; `name` is a file name that no other process has.
    #[must_use]
    pub fn process(&self, name: &'static str) -> Process {
        Process::new(name, self.folder.path())
    }

    /// Stops both servers, and every other process of the stack, and deletes the folder.
    ///
    /// # Errors
    /// [`Error::NotStopped`] if the watchdog could not do so. A drop does the same without an error.
    pub fn stop(mut self) -> Result<(), Error> {
        self.folder.close()
    }
}

fn start_databases(
    folder: &Path,
    programs: Database,
    options: &Options,
) -> Result<(MariaDb, Option<MariaDb>), Error> {
    if !options.replica {
        return Ok((MariaDb::start(folder, programs, options.tls.clone(), Role::Alone)?, None));
    }
    let primary = MariaDb::start(folder, programs.clone(), options.tls.clone(), Role::Primary)?;
    let replica = MariaDb::start(folder, programs, options.tls.clone(), Role::Replica)?;
    replica.replicate(&primary)?;
    Ok((primary, Some(replica)))
}
