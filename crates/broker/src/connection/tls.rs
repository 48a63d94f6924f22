//! TLS to the broker.

use std::io;

use futures_util::io::{AsyncRead, AsyncWrite};
use lapin::Connection;
use lapin::ConnectionProperties;
use lapin::tcp::{AMQPUriTcpExt, AsyncTcpStream, RustlsConnector, RustlsConnectorConfig};
use lapin::uri::{AMQPScheme, AMQPUri};
use queryfleet_config::{Config, Tls, variables};

use super::pending_socket::PendingSocket;
use crate::Error;

/// The TLS settings of connections; `None` if no URL asks for TLS. The files are read once: a renewed certificate is
/// used from the next start.
///
/// # Errors
/// Returns an error if a file cannot be used, or if none names authorities and the system has none.
pub(crate) fn connector(config: &Config, urls: &[AMQPUri]) -> Result<Option<RustlsConnector>, Error> {
    if urls.iter().all(|url| url.scheme == AMQPScheme::AMQP) {
        return Ok(None);
    }
    let files = config.amqp_tls.load()?;
    // lapin's own way adds named authorities to the system's, and fails on a system that has none.
    let trusted = match files.authorities {
        Some(authorities) => RustlsConnectorConfig::default().with_parsable_certificates(authorities),
        None => RustlsConnectorConfig::new_with_native_certs().map_err(|source| {
            queryfleet_config::Error::NoAuthorities { name: variables::AMQP_CA.name, source }
        })?,
    };
    let connector = match files.identity {
        Some((chain, key)) => trusted.connector_with_single_cert(chain, key),
        None => trusted.connector_with_no_client_auth(),
    };
    connector.map(Some).map_err(|source| Error::Identity { fault: fault(&config.amqp_tls, &source), source })
}

fn fault(tls: &Tls, source: &io::Error) -> String {
    tls.fault(source).map_or_else(|| "TLS cannot be set up".into(), |fault| fault.to_string())
}

/// Connects as the URL says: in the clear for amqp://, over TLS, verified, for amqps://.
pub(crate) async fn connect(
    uri: AMQPUri,
    properties: ConnectionProperties,
    tls: Option<RustlsConnector>,
    socket: PendingSocket,
) -> lapin::Result<Connection> {
    let runtime = lapin::runtime::default_runtime()?;
    let own = runtime.clone();
    let opening = async move |mut uri: AMQPUri, _| {
        let connector = match uri.scheme {
            AMQPScheme::AMQP => None,
            AMQPScheme::AMQPS => {
                Some(tls.as_ref().ok_or_else(|| io::Error::other("no TLS connector was made"))?)
            }
        };
        uri.scheme = AMQPScheme::AMQP;
        let stream = uri.connect_async(&own).await?;
        if let AsyncTcpStream::Plain(stream) = &stream {
            socket.note(stream.get_ref())?;
        }
        let Some(connector) = connector else { return Ok(stream) };
        // An IPv6 address has brackets in a URL, and none in a certificate.
        let name = uri.authority.host.trim_matches(['[', ']']);
        Ok(stream.into_rustls(connector, name).await?)
    };
    Connection::connector(uri, runtime, opening, properties).await
}

/// A connection for another protocol, over TLS if there is a connector.
pub(crate) async fn open(
    uri: &AMQPUri,
    connector: Option<&RustlsConnector>,
) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + use<>> {
    let runtime = lapin::runtime::default_runtime().map_err(io::Error::other)?;
    let stream = uri.connect_async(&runtime).await?;
    match connector {
        None => Ok(stream),
        Some(connector) => {
            Ok(stream.into_rustls(connector, uri.authority.host.trim_matches(['[', ']'])).await?)
        }
    }
}
