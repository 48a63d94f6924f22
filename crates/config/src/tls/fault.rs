//! What a failed TLS handshake says about the configuration. The client libraries' errors name neither a variable nor a
//! remedy; both of them stand on rustls, so one place reads both.

use std::error::Error;
use std::{fmt, io};

use rustls::{AlertDescription, CertificateError};

use crate::Tls;

/// How the end of a connection shows.
const ENDED: [io::ErrorKind; 4] = [
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::ConnectionAborted,
    io::ErrorKind::BrokenPipe,
    io::ErrorKind::UnexpectedEof,
];

/// What in the configuration of TLS explains a failed connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFault {
    /// Why, and the variable to look at, as the end of "cannot connect to …: ".
    text: String,
    /// Whether waiting cannot fix it.
    pub is_permanent: bool,
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn permanent(text: String) -> TlsFault {
    TlsFault { text, is_permanent: true }
}

impl Tls {
    /// Why the server and we could not agree on TLS. `None` when the cause is another.
    pub fn fault(&self, error: &(dyn Error + 'static)) -> Option<TlsFault> {
        let Found::Tls(error) = find(error)? else { return Some(self.ended()) };
        let names = self.names;
        let text = match error {
            rustls::Error::InvalidCertificate(error) => self.certificate(error),
            rustls::Error::AlertReceived(alert) => self.alert(*alert)?,
            rustls::Error::InvalidMessage(_) => {
                format!("it does not speak TLS at this port: give {} the port that does", names.url)
            }
            rustls::Error::InconsistentKeys(_) => format!(
                "the certificate of {} and the key of {} do not belong together",
                names.cert, names.key
            ),
            // A key in good PEM that the library refuses has no error of its own.
            rustls::Error::General(_) if self.identity.is_some() => format!(
                "the certificate of {} with the key of {} cannot be used: RSA, ECDSA P-256 and P-384 and Ed25519 can",
                names.cert, names.key
            ),
            _ => return None,
        };
        Some(permanent(text))
    }

    /// In TLS 1.3 a server looks at our certificate when we think that we are done, and its complaint is lost when it
    /// closes before it has read what we have sent meanwhile.
    fn ended(&self) -> TlsFault {
        let text = format!(
            "it ended the connection: if it asks for a client certificate, or refuses ours, see {}",
            self.names.cert
        );
        TlsFault { text, is_permanent: false }
    }

    /// What a server can mean that refuses an account: it does not say whether it misses a certificate.
    pub fn refused_account(&self) -> TlsFault {
        let names = self.names;
        permanent(match self.identity {
            Some(_) => format!(
                "it refuses the account, its password, or for this account the certificate of {}",
                names.cert
            ),
            None => format!(
                "it refuses the account or its password, or asks for a certificate ({}) or for TLS (?require_ssl=true in {})",
                names.cert, names.url
            ),
        })
    }

    /// That a server takes nobody in the clear.
    pub fn required(&self) -> TlsFault {
        permanent(format!("it takes only connections with TLS: add ?require_ssl=true to {}", self.names.url))
    }

    /// That a server has no TLS to offer where the URL asks for it.
    pub fn not_offered(&self) -> TlsFault {
        permanent(format!(
            "it offers no TLS, which {} asks for: give the server a certificate",
            self.names.url
        ))
    }

    fn certificate(&self, error: &CertificateError) -> String {
        use CertificateError as E;
        let names = self.names;
        match error {
            E::UnknownIssuer | E::BadSignature => match &self.ca {
                Some(path) => format!(
                    "its certificate is not from an authority in {}, which {} names",
                    path.display(),
                    names.ca
                ),
                None => {
                    format!("its certificate is from no known authority: name its own with {}", names.ca)
                }
            },
            E::NotValidForName | E::NotValidForNameContext { .. } => {
                format!("its certificate is for another name: give {} the name that it is for", names.url)
            }
            E::Expired | E::ExpiredContext { .. } => {
                "its certificate has expired: renew it, or set the clocks right".into()
            }
            E::NotValidYet | E::NotValidYetContext { .. } => {
                "its certificate is not valid yet: set the clocks right".into()
            }
            _ => "its certificate cannot be used".into(),
        }
    }

    fn alert(&self, alert: AlertDescription) -> Option<String> {
        use AlertDescription as A;
        let names = self.names;
        let refused = matches!(
            alert,
            A::CertificateRequired
                | A::HandshakeFailure
                | A::BadCertificate
                | A::UnsupportedCertificate
                | A::CertificateRevoked
                | A::CertificateExpired
                | A::CertificateUnknown
                | A::UnknownCA
                | A::AccessDenied
        );
        refused.then(|| match &self.identity {
            Some(_) => format!("it refuses the client certificate of {}", names.cert),
            None => format!("it asks for a client certificate: set {} and {}", names.cert, names.key),
        })
    }
}

enum Found<'a> {
    Tls(&'a rustls::Error),
    /// The other side has closed the connection.
    Ended,
}

/// What of this is in a chain of causes.
fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<Found<'a>> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(Found::Tls(found));
        }
        next = match error.downcast_ref::<io::Error>() {
            Some(io) if io.get_ref().is_none() => return ENDED.contains(&io.kind()).then_some(Found::Ended),
            // Its source() would be the source of what it wraps.
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}
