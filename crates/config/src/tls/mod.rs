//! TLS: the files that a connection needs, and what its failures say about them.

use std::path::PathBuf;

use crate::environment::Environment;
use crate::{Error, Variable};

mod fault;
mod files;

pub use fault::TlsFault;
pub use files::TlsFiles;

/// What a connection shows to the other side and what it accepts from it. Whether it uses TLS is the URL's matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The authorities (PEM) that may have signed the server's certificate; `None`: those that the client library knows.
    pub ca: Option<PathBuf>,
    /// The client's own certificate; `None`: it shows none.
    pub identity: Option<Identity>,
    /// The variables that these come from, and the one of the URL.
    pub(crate) names: Names,
}

/// A client certificate with its key: never one without the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate chain (PEM).
    pub cert: PathBuf,
    /// The private key (PEM).
    pub key: PathBuf,
}

/// The variables to look at when TLS fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) url: &'static str,
    pub(crate) ca: &'static str,
    pub(crate) cert: &'static str,
    pub(crate) key: &'static str,
}

impl Tls {
    pub(crate) fn read(
        env: &Environment,
        url: &Variable,
        ca: &Variable,
        cert: &Variable,
        key: &Variable,
    ) -> Result<Self, Error> {
        let path = |variable| env.read_optional(variable, |text| Some(PathBuf::from(text)));
        let identity = match (path(cert)?, path(key)?) {
            (Some(cert), Some(key)) => Some(Identity { cert, key }),
            (None, None) => None,
            (Some(_), None) => return Err(Error::HalfIdentity { given: cert.name, missing: key.name }),
            (None, Some(_)) => return Err(Error::HalfIdentity { given: key.name, missing: cert.name }),
        };
        let names = Names { url: url.name, ca: ca.name, cert: cert.name, key: key.name };
        Ok(Self { ca: path(ca)?, identity, names })
    }
}
