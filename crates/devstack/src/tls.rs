//! TLS of the servers, beside what they offer in the clear.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Port};

/// With what the servers prove who they are, and whom they let in. All files are PEM.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The authorities that may have signed a client's certificate.
    pub ca: PathBuf,
    /// The servers' certificate.
    pub cert: PathBuf,
    /// The key of that certificate.
    pub key: PathBuf,
    /// Whether the broker lets in nobody without a certificate. The database asks by account: `REQUIRE X509`.
    pub clients_need_one: bool,
}

/// The broker's second listener.
pub(crate) struct Listener {
    tls: Tls,
    pub(crate) port: Port,
}

impl Listener {
    pub(crate) fn reserve(tls: Option<&Tls>) -> Result<Option<Self>, Error> {
        tls.map(|tls| Ok(Self { tls: tls.clone(), port: Port::reserve()? })).transpose()
    }

    /// Lines of rabbitmq.conf.
    pub(crate) fn config(&self) -> String {
        let Tls { ca, cert, key, clients_need_one } = &self.tls;
        let verify = if *clients_need_one { "verify_peer" } else { "verify_none" };
        format!(
            "listeners.ssl.1 = 127.0.0.1:{}\n\
             ssl_options.cacertfile = {}\n\
             ssl_options.certfile = {}\n\
             ssl_options.keyfile = {}\n\
             ssl_options.verify = {verify}\n\
             ssl_options.fail_if_no_peer_cert = {clients_need_one}\n",
            self.port.number(),
            ca.display(),
            cert.display(),
            key.display(),
        )
    }
}

/// Arguments of the database server.
pub(crate) fn arguments(tls: &Tls, command: &mut Command) {
    command.arg(option("--ssl-ca", &tls.ca)).arg(option("--ssl-cert", &tls.cert));
    command.arg(option("--ssl-key", &tls.key));
}

/// `--name=path`, whatever bytes the path has.
pub(crate) fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push("=");
    option.push(path);
    option
}
