//! A private RabbitMQ node, or several that form a cluster.

use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;

use rustix::process::Signal;

use crate::command::Tool;
use crate::programs::Broker;
use crate::{Error, Options, Port, Process, bounded_wait, random};
use cluster::Cluster;
use node_files::{self as files, Files};
use tls_listener::TlsListener;

mod cluster;
mod node_files;
mod tls_listener;

const USER: &str = "queryfleet";
/// The process names of the nodes that there can be.
const PROCESS_NAMES: [&str; 3] = ["rabbitmq", "rabbitmq-2", "rabbitmq-3"];
/// The first bytes that a client of AMQP 0-9-1 sends.
const AMQP_HEADER: &[u8] = b"AMQP\0\0\x09\x01";

/// A RabbitMQ node with a user and a password of its own (there is no `guest`) and the plugin `rabbitmq_prometheus`.
/// It listens on 127.0.0.1 only, and keeps its data and its ports from one start to the next.
pub struct RabbitMq {
    // Dropped before the cluster: a node that loses its name server complains.
    node: Process,
    cluster: Arc<Cluster>,
    name: String,
    folder: PathBuf,
    amqp: Port,
    tls: Option<TlsListener>,
    prometheus: Port,
    distribution: Port,
    /// Erlang's setting for how long its threads spin before they sleep.
    spin: &'static str,
}

impl RabbitMq {
    /// The first node, and its peers.
    pub(crate) fn start(
        folder: &Path,
        programs: Broker,
        options: &Options,
    ) -> Result<(Self, Vec<Self>), Error> {
        let cluster = Arc::new(Cluster::start(folder, programs, 1 + options.peers)?);
        files::write_cookie(folder, &random::secret()?).map_err(Error::io("write the cookie of RabbitMQ"))?;
        let mut nodes = Vec::new();
        for (server, name) in PROCESS_NAMES.iter().zip(&cluster.nodes) {
            let node = Self::new(folder, &cluster, (server, name), options)?;
            node.write_files(options.vhosts)?;
            nodes.push(node);
        }
        Self::start_all_again(nodes.iter())?;
        Ok((nodes.remove(0), nodes))
    }

    /// Starts several nodes of a cluster again, all at the same time: one may have to wait for another.
    ///
    /// # Errors
    /// The error of the first node that does not answer.
    pub fn start_all_again<'a>(nodes: impl Iterator<Item = &'a Self>) -> Result<(), Error> {
        thread::scope(|scope| {
            let starting: Vec<_> = nodes.map(|node| scope.spawn(|| node.start_again())).collect();
            // A panic of another thread continues in this one.
            starting
                .into_iter()
                .try_for_each(|start| start.join().unwrap_or_else(|panic| resume_unwind(panic)))
        })
    }

    fn new(
        folder: &Path,
        cluster: &Arc<Cluster>,
        (server, name): (&'static str, &str),
        options: &Options,
    ) -> Result<Self, Error> {
        let own = folder.join(server);
        fs::create_dir(&own).map_err(Error::io("make a folder for RabbitMQ"))?;
        Ok(Self {
            node: Process::new(server, folder),
            cluster: cluster.clone(),
            name: name.to_owned(),
            folder: own,
            amqp: Port::reserve()?,
            tls: TlsListener::reserve(options.tls.as_ref())?,
            prometheus: Port::reserve()?,
            distribution: Port::reserve()?,
            spin: if options.sleepy_broker { "none" } else { "short" },
        })
    }

    fn write_files(&self, vhosts: usize) -> Result<(), Error> {
        let files = Files {
            folder: &self.folder,
            amqp_port: self.amqp.number(),
            tls: self.tls.as_ref(),
            prometheus_port: self.prometheus.number(),
            nodes: &self.cluster.nodes,
            user: USER,
            password: &self.cluster.password,
            vhosts,
        };
        files.write().map_err(Error::io("write the configuration of RabbitMQ"))
    }

    /// Starts the node with the data and ports that it had, and returns when clients can log in. A node that still
    /// runs is killed first.
    ///
    /// # Errors
    /// [`Error::NotUp`] if it does not answer within 2 minutes.
    pub fn start_again(&self) -> Result<(), Error> {
        // A node listens last of all, when users, virtual hosts and queues exist.
        let answers = || bounded_wait::greeting(self.amqp.number(), AMQP_HEADER).is_some();
        let program = self.cluster.programs.server.clone();
        self.node.start(program, |command| self.set_environment(command), answers)
    }

    fn set_environment(&self, command: &mut Command) {
        let folder = &self.folder;
        // Bind Erlang's distribution to 127.0.0.1: its port runs code for anybody who has the cookie.
        let loopback_only = "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false";
        command
            .env("ERL_EPMD_PORT", self.cluster.port.number().to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODENAME", &self.name)
            .env("RABBITMQ_DIST_PORT", self.distribution.number().to_string())
            .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
            .env("RABBITMQ_LOG_BASE", folder)
            .env("RABBITMQ_CONFIG_FILE", files::config(folder))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", folder.join("advanced.config"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", files::plugins(folder))
            .env("RABBITMQ_CONF_ENV_FILE", files::environment(folder))
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", loopback_only)
            .env("RABBITMQ_CTL_ERL_ARGS", loopback_only)
            // Any free port, for any number of rabbitmqctl at the same time.
            .env("RABBITMQ_CTL_DIST_PORT_MIN", "0")
            .env("RABBITMQ_CTL_DIST_PORT_MAX", "0")
            // The script then becomes the node instead of waiting for it: its process id is the node's.
            .env("RUNNING_UNDER_SYSTEMD", "true")
            // Spinning before sleeping halves the boot in a virtual machine, where waking up is expensive (from 7.6 s to
            // 3.7 s, for a thousand modules that are loaded one by one). An idle node uses no more CPU for it, a busy
            // one some 150 µs per message.
            .env("RABBITMQ_SCHEDULER_BUSY_WAIT_THRESHOLD", self.spin);
    }

    /// The URL of the virtual host `vhost`, user and password included.
    #[must_use]
    pub fn url(&self, vhost: &str) -> String {
        let port = self.amqp.number();
        format!("amqp://{USER}:{}@127.0.0.1:{port}/{}", self.cluster.password, percent_encoded(vhost))
    }

    /// The same with TLS; `None` if the node was started without.
    #[must_use]
    pub fn tls_url(&self, vhost: &str) -> Option<String> {
        let plain = self.amqp.number();
        let secure = self.tls.as_ref()?.port.number();
        let url = self.url(vhost).replacen("amqp://", "amqps://", 1);
        Some(url.replacen(&format!(":{plain}/"), &format!(":{secure}/"), 1))
    }

    /// The URL of the node's metrics; `/detailed?family=…` may follow.
    #[must_use]
    pub fn prometheus_url(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.prometheus.number())
    }

    /// Runs `rabbitmqctl` on the node and returns its output. It boots an Erlang machine, which takes some 0.5 s.
    ///
    /// # Errors
    /// [`Error::Command`] if it fails or has not ended after 2 minutes.
    pub fn ctl(&self, arguments: &[&str]) -> Result<String, Error> {
        let mut tool = Tool::new(self.stack_folder(), &self.cluster.programs.ctl);
        self.set_environment(&mut tool.command);
        tool.command.args(arguments);
        tool.run("")
    }

    fn stack_folder(&self) -> &Path {
        // It was made in the stack's folder.
        self.folder.parent().unwrap_or(&self.folder)
    }

    /// Makes the virtual host `name`, in which the user of [`url`](Self::url) may do everything. Changes nothing if it
    /// exists. As slow as [`ctl`](Self::ctl); [`Options::vhosts`](crate::Options::vhosts) makes many at the start.
    ///
    /// # Errors
    /// [`Error::Command`] if the node refuses it.
    pub fn add_vhost(&self, name: &str) -> Result<(), Error> {
        let definitions = files::vhosts(USER, std::iter::once(name)).to_string();
        // Not through standard input, for whose end RabbitMQ 4.0 of Debian waits in vain.
        let file = self.folder.join("vhost.json");
        std::fs::write(&file, definitions).map_err(Error::io("write the definition of a virtual host"))?;
        self.ctl(&["import_definitions", &file.display().to_string()]).map(drop)
    }

    /// The node's name among its peers.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Kills the node (SIGKILL), in the middle of whatever it does, and returns when it is gone.
    ///
    /// # Errors
    /// [`Error::NotEnded`] after 2 minutes, which only a broken disk or kernel can cause.
    pub fn kill(&self) -> Result<(), Error> {
        self.node.kill()
    }

    /// Asks the node to end (SIGTERM) and returns when it has. A frozen node is thawed for it.
    ///
    /// # Errors
    /// [`Error::NotEnded`] after 2 minutes.
    pub fn terminate(&self) -> Result<(), Error> {
        self.node.terminate()
    }

    /// Suspends the node (SIGSTOP): connections stay open, and nobody answers on them.
    pub fn freeze(&self) {
        self.node.signal(Signal::STOP);
    }

    /// Resumes a frozen node (SIGCONT).
    pub fn thaw(&self) {
        self.node.signal(Signal::CONT);
    }

    /// The process id of the node; `None` when it does not run.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.node.pid()
    }
}

/// As a part of a URL's path may be written: letters, digits and `-._~` as they are.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02x}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::percent_encoded;

    #[test]
    fn the_default_virtual_host_is_percent_encoded() {
        assert_eq!(percent_encoded("/"), "%2f");
        assert_eq!(percent_encoded("t1 ä"), "t1%20%c3%a4");
    }
}
