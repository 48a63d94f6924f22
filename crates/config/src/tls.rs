//! The files of a TLS connection.

use std::path::PathBuf;

use crate::{Error, Variable};

/// What a connection shows to the other side and what it accepts from it. TLS itself is asked for by the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// The authorities (PEM) that may have signed the server's certificate; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// The client's own certificate; `None`: it shows none.
    pub identity: Option<Identity>,
}

/// A client certificate with its key: never one without the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate chain (PEM).
    pub cert: PathBuf,
    /// The private key (PEM).
    pub key: PathBuf,
}

/// A variable with what was given for it.
type Given<'a> = (&'a Variable, Option<String>);

impl Tls {
    pub(crate) fn read(ca: Given<'_>, cert: Given<'_>, key: Given<'_>) -> Result<Self, Error> {
        let path = |(variable, given): Given<'_>| variable.read_optional(given, |text| Some(text.into()));
        let half = |given: &Variable, missing: &Variable| Error::HalfIdentity {
            given: given.name,
            missing: missing.name,
        };
        let (cert_variable, key_variable) = (cert.0, key.0);
        let identity = match (path(cert)?, path(key)?) {
            (Some(cert), Some(key)) => Some(Identity { cert, key }),
            (None, None) => None,
            (Some(_), None) => return Err(half(cert_variable, key_variable)),
            (None, Some(_)) => return Err(half(key_variable, cert_variable)),
        };
        Ok(Self { ca: path(ca)?, identity })
    }
}
