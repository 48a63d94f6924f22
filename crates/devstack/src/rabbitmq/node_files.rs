//! The files that a RabbitMQ node reads when it boots.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::tls_listener::TlsListener;

/// The content of the files. Only our user can read the folder that holds them.
pub(crate) struct Files<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) amqp_port: u16,
    pub(crate) tls: Option<&'a TlsListener>,
    pub(crate) prometheus_port: u16,
    /// All nodes of the cluster.
    pub(crate) nodes: &'a [String],
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    /// Beside `/`: `t1`, `t2`, …
    pub(crate) vhosts: usize,
}

impl Files<'_> {
    pub(crate) fn write(&self) -> io::Result<()> {
        let tls = self.tls.map(TlsListener::config).unwrap_or_default();
        fs::write(config(self.folder), self.config() + &tls)?;
        fs::write(self.folder.join("definitions.json"), self.definitions().to_string())?;
        fs::write(plugins(self.folder), "[rabbitmq_prometheus].\n")?;
        // In place of /etc/rabbitmq/rabbitmq-env.conf.
        fs::write(environment(self.folder), "")
    }

    /// The limits suit a machine that does other work too: a memory or disk alarm stops every publisher.
    fn config(&self) -> String {
        let mut config = format!(
            "listeners.tcp.1 = 127.0.0.1:{}\n\
             prometheus.tcp.ip = 127.0.0.1\n\
             prometheus.tcp.port = {}\n\
             load_definitions = {}\n\
             vm_memory_high_watermark.relative = 0.4\n\
             disk_free_limit.absolute = 64MB\n\
             log.console = true\n\
             log.console.level = info\n\
             log.file = false\n",
            self.amqp_port,
            self.prometheus_port,
            self.folder.join("definitions.json").display(),
        );
        if self.nodes.len() > 1 {
            // RabbitMQ's own guide recommends it for three nodes.
            config += "cluster_partition_handling = pause_minority\n";
            config += "cluster_formation.peer_discovery_backend = classic_config\n";
            for (number, node) in self.nodes.iter().enumerate() {
                config += &format!("cluster_formation.classic_config.nodes.{} = {node}\n", number + 1);
            }
        }
        config
    }

    /// A new node that loads definitions makes no default user: `guest` never exists.
    fn definitions(&self) -> Value {
        let names: Vec<String> = (1..=self.vhosts).map(|number| format!("t{number}")).collect();
        let names = || std::iter::once("/").chain(names.iter().map(String::as_str));
        let mut all = vhosts(self.user, names());
        all["users"] = json!([{ "name": self.user, "password": self.password, "tags": ["administrator"] }]);
        all
    }
}

/// What nodes and tools know each other by, in the home folder that all of them have.
pub(crate) fn write_cookie(folder: &Path, cookie: &str) -> io::Result<()> {
    // Erlang takes no cookie that others may read.
    let path = folder.join("home/.erlang.cookie");
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(path)?;
    file.write_all(cookie.as_bytes())
}

/// Definitions of virtual hosts in which `user` may do everything.
pub(crate) fn vhosts<'a>(user: &str, names: impl Iterator<Item = &'a str> + Clone) -> Value {
    let vhosts: Vec<Value> = names.clone().map(|name| json!({ "name": name })).collect();
    let permissions: Vec<Value> = names
        .map(|name| json!({ "user": user, "vhost": name, "configure": ".*", "write": ".*", "read": ".*" }))
        .collect();
    json!({ "vhosts": vhosts, "permissions": permissions })
}

pub(crate) fn config(folder: &Path) -> PathBuf {
    folder.join("rabbitmq.conf")
}

pub(crate) fn plugins(folder: &Path) -> PathBuf {
    folder.join("enabled_plugins")
}

pub(crate) fn environment(folder: &Path) -> PathBuf {
    folder.join("rabbitmq-env.conf")
}
