//! What is in the files of a TLS connection, looked at before anything connects: the client libraries would name
//! neither the file nor the variable.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::{Error, Tls};

const NO_CERTIFICATE: &str =
    "holds no certificate in PEM: of DER make it with `openssl x509 -inform der -in FILE -out NEW`";
const BAD_CERTIFICATE: &str =
    "holds a certificate that cannot be read: `openssl x509 -text -in FILE` may say why";
const NO_KEY: &str = "holds no private key in PEM (PKCS#8, PKCS#1 or SEC1): make it with \
     `openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW`";
const ENCRYPTED_KEY: &str =
    "holds an encrypted private key: decrypt it with `openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW`";

/// The files' content. No `Debug`: it holds a private key.
pub struct TlsFiles {
    /// The authorities that may have signed the server's certificate; `None`: none were named.
    pub authorities: Option<Vec<CertificateDer<'static>>>,
    /// The client's certificate chain and its key.
    pub identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`Error::TlsFile`] and [`Error::TlsContent`] name the file, its variable and the remedy.
    pub fn load(&self) -> Result<TlsFiles, Error> {
        let ca = self.ca.as_deref().map(|path| authorities(self.names.ca, path)).transpose()?;
        let identity = self.identity.as_ref().map(|files| {
            Ok((certificates(self.names.cert, &files.cert)?, private_key(self.names.key, &files.key)?))
        });
        Ok(TlsFiles { authorities: ca, identity: identity.transpose()? })
    }
}

fn read(name: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::TlsFile { name, path: path.into(), source })
}

fn bad(name: &'static str, path: &Path, fault: &'static str) -> Error {
    Error::TlsContent { name, path: path.into(), fault }
}

fn certificates(name: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let pem = read(name, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(bad(name, path, NO_CERTIFICATE)),
        Ok(found) => Ok(found),
        Err(_) => Err(bad(name, path, BAD_CERTIFICATE)),
    }
}

fn authorities(name: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = certificates(name, path)?;
    let mut store = RootCertStore::empty();
    for certificate in &found {
        store.add(certificate.clone()).map_err(|_| bad(name, path, BAD_CERTIFICATE))?;
    }
    Ok(found)
}

/// The first key. Its cause is not told: a parser's error could quote the key.
fn private_key(name: &'static str, path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let pem = read(name, path)?;
    // PKCS#8 says so in its first line, the older forms in a header.
    let text = String::from_utf8_lossy(&pem);
    if text.contains("ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(bad(name, path, ENCRYPTED_KEY));
    }
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| bad(name, path, NO_KEY))
}
