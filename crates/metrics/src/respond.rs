//! From a request to its response.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response, StatusCode};

use crate::Metrics;

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Answers GET and HEAD (hyper leaves the body out) on the three paths; 404 for other paths, 405 for other methods.
pub(crate) fn respond(method: &Method, path: &str, metrics: &Metrics) -> Response<Full<Bytes>> {
    let handler: fn(&Metrics) -> Response<Full<Bytes>> = match path {
        "/metrics" => exposition,
        "/livez" => liveness,
        "/readyz" => readiness,
        _ => return plain(StatusCode::NOT_FOUND, "there are /metrics, /livez and /readyz\n".to_owned()),
    };
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n".to_owned());
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    handler(metrics)
}

fn exposition(metrics: &Metrics) -> Response<Full<Bytes>> {
    let mut response = plain(StatusCode::OK, metrics.render());
    let version = HeaderValue::from_static(prometheus::TEXT_FORMAT);
    response.headers_mut().insert(CONTENT_TYPE, version);
    response
}

fn liveness(metrics: &Metrics) -> Response<Full<Bytes>> {
    match metrics.health().stalled() {
        None => plain(StatusCode::OK, "ok\n".to_owned()),
        Some(reason) => plain(StatusCode::SERVICE_UNAVAILABLE, reason + "\n"),
    }
}

fn readiness(metrics: &Metrics) -> Response<Full<Bytes>> {
    let missing = metrics.health().missing();
    if missing.is_empty() {
        let held = metrics.health().held().into_iter().map(|hold| format!("held: {hold}\n"));
        let limited = metrics.health().limited().map(|reason| format!("limited: {reason}\n"));
        return plain(StatusCode::OK, held.chain(limited).fold("ok\n".to_owned(), |text, line| text + &line));
    }
    plain(StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n")
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, PLAIN);
    response
}
