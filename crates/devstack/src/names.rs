//! What the nodes of a cluster share.

use std::path::Path;
use std::process::Command;

use crate::port::Port;
use crate::programs::Broker;
use crate::server::Server;
use crate::{Error, secret, wait};

/// Erlang's name server, through which nodes and their tools find each other, and what every node has to know.
pub(crate) struct Names {
    epmd: Server,
    pub(crate) port: Port,
    pub(crate) programs: Broker,
    /// Of all nodes, the first before the others.
    pub(crate) nodes: Vec<String>,
    pub(crate) password: String,
}

impl Names {
    pub(crate) fn start(folder: &Path, programs: Broker, nodes: usize) -> Result<Self, Error> {
        let secret = secret::random()?;
        let names = Self {
            epmd: Server::new("epmd", folder),
            port: Port::reserve()?,
            programs,
            nodes: (1..=nodes).map(|number| format!("queryfleet-{secret}-{number}@localhost")).collect(),
            password: secret::random()?,
        };
        names.start_epmd()?;
        Ok(names)
    }

    /// In the foreground: the daemon that a node starts by itself would outlive it. It is up before the nodes start.
    fn start_epmd(&self) -> Result<(), Error> {
        let port = self.port.number();
        let answers = || wait::connects(port);
        let configure = |command: &mut Command| {
            command.args(["-port", &port.to_string(), "-address", "127.0.0.1"]);
        };
        self.epmd.start(self.programs.epmd.clone(), configure, answers)
    }
}
