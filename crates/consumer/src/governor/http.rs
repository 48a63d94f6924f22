//! Asking a service over HTTP whether jobs may begin, as gh-ost asks freno.

use std::sync::OnceLock;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

type Connector = HttpsConnector<HttpConnector>;

/// A client that is made at the first question: it reads the system's certificate authorities.
#[derive(Default)]
pub(super) struct Http(OnceLock<Client<Connector, Empty<Bytes>>>);

impl Http {
    /// Asks with HEAD. 0: jobs may begin; otherwise the status that says that they may not. No redirect is followed: it is not
    /// the answer 200 either.
    ///
    /// # Errors
    /// Why there was no answer.
    pub(super) async fn ask(&self, url: &str) -> Result<f64, String> {
        let request = Request::builder().method(Method::HEAD).uri(url).body(Empty::new());
        let request = request.map_err(|error| error.to_string())?;
        let answer = self.client()?.request(request).await.map_err(|error| queryfleet_job::causes(&error))?;
        match answer.status() {
            StatusCode::OK => Ok(0.0),
            status => Ok(f64::from(status.as_u16())),
        }
    }

    fn client(&self) -> Result<&Client<Connector, Empty<Bytes>>, String> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        let builder = HttpsConnectorBuilder::new().with_native_roots().map_err(|error| error.to_string())?;
        let connector = builder.https_or_http().enable_http1().build();
        Ok(self.0.get_or_init(|| Client::builder(TokioExecutor::new()).build(connector)))
    }
}
