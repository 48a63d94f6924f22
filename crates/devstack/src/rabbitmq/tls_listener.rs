//! The broker's listener for TLS, beside the one in the clear.

use crate::{Error, Port, Tls};

/// The second listener of a node.
pub(crate) struct TlsListener {
    tls: Tls,
    pub(crate) port: Port,
}

impl TlsListener {
    pub(crate) fn reserve(tls: Option<&Tls>) -> Result<Option<Self>, Error> {
        tls.map(|tls| Ok(Self { tls: tls.clone(), port: Port::reserve()? })).transpose()
    }

    /// Its lines in rabbitmq.conf.
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
