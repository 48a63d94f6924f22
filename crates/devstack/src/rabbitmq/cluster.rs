//! What the nodes of a cluster share: a name server, programs, names and the password.

use std::path::Path;
use std::process::Command;

use crate::programs::Broker;
use crate::{Error, Port, Process, bounded_wait, random};

/// Erlang's name server, by which nodes and their tools find each other, and what every node needs to know.
pub(crate) struct Cluster {
    epmd: Process,
    pub(crate) port: Port,
    pub(crate) programs: Broker,
    /// The names of all nodes, beginning with the first.
    pub(crate) nodes: Vec<String>,
    pub(crate) password: String,
}

impl Cluster {
    pub(crate) fn start(folder: &Path, programs: Broker, nodes: usize) -> Result<Self, Error> {
        let secret = random::secret()?;
        let cluster = Self {
            epmd: Process::new("epmd", folder),
            port: Port::reserve()?,
            programs,
            nodes: (1..=nodes).map(|number| format!("queryfleet-{secret}-{number}@localhost")).collect(),
            password: random::secret()?,
        };
        cluster.start_epmd()?;
        Ok(cluster)
    }

    /// Starts it in the foreground, before the nodes: the daemon that a node starts by itself would outlive the node.
    fn start_epmd(&self) -> Result<(), Error> {
        let port = self.port.number();
        let answers = || bounded_wait::connects(port);
        let configure = |command: &mut Command| {
            command.args(["-port", &port.to_string(), "-address", "127.0.0.1"]);
        };
        self.epmd.start(self.programs.epmd.clone(), configure, answers)
    }
}
