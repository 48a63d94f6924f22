//! A RabbitMQ node of its own.

use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;

use rustix::process::Signal;

use crate::command::Tool;
use crate::names::Names;
use crate::port::Port;
use crate::programs::Broker;
use crate::rabbitmq_files::{self as files, Files};
use crate::server::Server;
use crate::tls::Listener;
use crate::{Error, Options, secret, wait};

const USER: &str = "queryfleet";
/// A server's name for each node that there can be.
const SERVERS: [&str; 3] = ["rabbitmq", "rabbitmq-2", "rabbitmq-3"];
/// How a client of AMQP 0-9-1 begins.
const AMQP_HEADER: &[u8] = b"AMQP\0\0\x09\x01";

/// A RabbitMQ node with a user and a password of its own (there is no `guest`) and the plugin `rabbitmq_prometheus`.
/// It listens on 127.0.0.1 only, and keeps its data and its ports from one start to the next.
pub struct RabbitMq {
    // Before the names: a node that loses its name server complains.
    node: Server,
    names: Arc<Names>,
    name: String,
    folder: PathBuf,
    amqp: Port,
    tls: Option<Listener>,
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
        let names = Arc::new(Names::start(folder, programs, 1 + options.peers)?);
        files::write_cookie(folder, &secret::random()?).map_err(Error::io("write the cookie of RabbitMQ"))?;
        let mut nodes = Vec::new();
        for (server, name) in SERVERS.iter().zip(&names.nodes) {
            let node = Self::new(folder, &names, (server, name), options)?;
            node.write_files(options.vhosts)?;
            nodes.push(node);
        }
        Self::start_all_again(nodes.iter())?;
        Ok((nodes.remove(0), nodes))
    }

    /// [`start_again`](Self::start_again) of several nodes of a cluster, all at once: one may have to wait for another.
    ///
    /// # Errors
    /// That of the first node which does not answer.
    pub fn start_all_again<'a>(nodes: impl Iterator<Item = &'a Self>) -> Result<(), Error> {
        thread::scope(|scope| {
            let starting: Vec<_> = nodes.map(|node| scope.spawn(|| node.start_again())).collect();
            // A panic of another thread goes on in this one.
            starting
                .into_iter()
                .try_for_each(|start| start.join().unwrap_or_else(|panic| resume_unwind(panic)))
        })
    }

    fn new(
        folder: &Path,
        names: &Arc<Names>,
        (server, name): (&'static str, &str),
        options: &Options,
    ) -> Result<Self, Error> {
        let own = folder.join(server);
        fs::create_dir(&own).map_err(Error::io("make a folder for RabbitMQ"))?;
        Ok(Self {
            node: Server::new(server, folder),
            names: names.clone(),
            name: name.to_owned(),
            folder: own,
            amqp: Port::reserve()?,
            tls: Listener::reserve(options.tls.as_ref())?,
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
            nodes: &self.names.nodes,
            user: USER,
            password: &self.names.password,
            vhosts,
        };
        files.write().map_err(Error::io("write the configuration of RabbitMQ"))
    }

    /// Starts the node with the data and ports that it had, and returns when clients can log in. A node that still
    /// runs is killed first.
    ///
    /// # Errors
    /// [`Error::NotUp`] when it does not answer within 2 minutes.
    pub fn start_again(&self) -> Result<(), Error> {
        // A node listens last of all, when users, virtual hosts and queues are there.
        let answers = || wait::greeting(self.amqp.number(), AMQP_HEADER).is_some();
        self.node.start(self.names.programs.server.clone(), |command| self.environment(command), answers)
    }

    fn environment(&self, command: &mut Command) {
        let folder = &self.folder;
        // Erlang's arguments: bind the distribution, whose port runs code for any who has the cookie, to 127.0.0.1.
        let private = "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false";
        command
            .env("ERL_EPMD_PORT", self.names.port.number().to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODENAME", &self.name)
            .env("RABBITMQ_DIST_PORT", self.distribution.number().to_string())
            .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
            .env("RABBITMQ_LOG_BASE", folder)
            .env("RABBITMQ_CONFIG_FILE", files::config(folder))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", folder.join("advanced.config"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", files::plugins(folder))
            .env("RABBITMQ_CONF_ENV_FILE", files::environment(folder))
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", private)
            .env("RABBITMQ_CTL_ERL_ARGS", private)
            // Any free port, for as many rabbitmqctl at once as there are.
            .env("RABBITMQ_CTL_DIST_PORT_MIN", "0")
            .env("RABBITMQ_CTL_DIST_PORT_MAX", "0")
            // The script then becomes the node instead of waiting for it: its process id is the node's.
            .env("RUNNING_UNDER_SYSTEMD", "true")
            // To spin before sleeping halves the boot in a virtual machine, where waking is dear (7.6 s to 3.7 s, for a
            // thousand modules that are loaded one by one). An idle node uses no more for it, a busy one some 150 µs a
            // message.
            .env("RABBITMQ_SCHEDULER_BUSY_WAIT_THRESHOLD", self.spin);
    }

    /// Where a client finds the virtual host `vhost`, user and password included.
    #[must_use]
    pub fn url(&self, vhost: &str) -> String {
        let port = self.amqp.number();
        format!("amqp://{USER}:{}@127.0.0.1:{port}/{}", self.names.password, percent_encoded(vhost))
    }

    /// The same over TLS; `None` when the node was started without.
    #[must_use]
    pub fn tls_url(&self, vhost: &str) -> Option<String> {
        let (plain, secure) = (self.amqp.number(), self.tls.as_ref()?.port.number());
        let url = self.url(vhost).replacen("amqp://", "amqps://", 1);
        Some(url.replacen(&format!(":{plain}/"), &format!(":{secure}/"), 1))
    }

    /// Where the node's metrics are; `/detailed?family=…` may follow.
    #[must_use]
    pub fn prometheus_url(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.prometheus.number())
    }

    /// Runs `rabbitmqctl` on the node and returns what it writes. Boots an Erlang machine: some 0.5 s.
    ///
    /// # Errors
    /// [`Error::Command`] when it fails or has not ended after 2 minutes.
    pub fn ctl(&self, arguments: &[&str]) -> Result<String, Error> {
        self.ctl_with(arguments, "")
    }

    fn stack_folder(&self) -> &Path {
        // It was made in the stack's folder.
        self.folder.parent().unwrap_or(&self.folder)
    }

    fn ctl_with(&self, arguments: &[&str], input: &str) -> Result<String, Error> {
        let mut tool = Tool::new(self.stack_folder(), &self.names.programs.ctl);
        self.environment(&mut tool.command);
        tool.command.args(arguments);
        tool.run(input)
    }

    /// Makes the virtual host `name`, in which the user of [`url`](Self::url) may do everything. Changes nothing when
    /// it is there. As slow as [`ctl`](Self::ctl); [`Options::vhosts`](crate::Options::vhosts) makes many at the start.
    ///
    /// # Errors
    /// [`Error::Command`] when the node does not take it.
    pub fn add_vhost(&self, name: &str) -> Result<(), Error> {
        let definitions = files::vhosts(USER, std::iter::once(name)).to_string();
        self.ctl_with(&["import_definitions"], &definitions).map(drop)
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

    /// Stops the node in its tracks (SIGSTOP): connections stay open, and nobody answers on them.
    pub fn freeze(&self) {
        self.node.signal(Signal::STOP);
    }

    /// Lets a frozen node go on (SIGCONT).
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
