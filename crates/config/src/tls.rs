//! The files of a TLS connection.

use std::path::PathBuf;

use crate::{Error, Variable};

/// What a connection shows to the other side and what it accepts from it. TLS itself is asked for by the URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The authorities (PEM) that may have signed the server's certificate; `None`: the ones that the client library
    /// knows.
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

/// A variable with what was given for it.
type Given<'a> = (&'a Variable, Option<String>);

impl Tls {
    pub(crate) fn read(
        url: &Variable,
        ca: Given<'_>,
        cert: Given<'_>,
        key: Given<'_>,
    ) -> Result<Self, Error> {
        let path = |(variable, given): Given<'_>| variable.read_optional(given, |text| Some(text.into()));
        let half = |given: &'static str, missing: &'static str| Error::HalfIdentity { given, missing };
        let names = Names { url: url.name, ca: ca.0.name, cert: cert.0.name, key: key.0.name };
        let identity = match (path(cert)?, path(key)?) {
            (Some(cert), Some(key)) => Some(Identity { cert, key }),
            (None, None) => None,
            (Some(_), None) => return Err(half(names.cert, names.key)),
            (None, Some(_)) => return Err(half(names.key, names.cert)),
        };
        Ok(Self { ca: path(ca)?, identity, names })
    }
}
