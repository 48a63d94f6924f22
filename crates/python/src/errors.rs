//! Errors as Python's exceptions: `queryfleet._errors` has their classes.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use queryfleet::{Error, ErrorKind, RunFault, Server};

/// The exception of an error. One of the caller's own code comes back as it was.
pub(crate) fn exception(error: Error) -> PyErr {
    let kind = error.kind().clone();
    let text = error.report();
    if matches!(kind, ErrorKind::Source { .. }) {
        return match error.into_cause().downcast::<PyErr>() {
            Ok(raised) => *raised,
            Err(other) => PyRuntimeError::new_err(other.to_string()),
        };
    }
    Python::attach(|py| made(py, &kind, &text).unwrap_or_else(|failed| failed))
}

fn made(py: Python<'_>, kind: &ErrorKind, text: &str) -> PyResult<PyErr> {
    let facts = PyDict::new(py);
    let class = match kind {
        ErrorKind::Config => "ConfigError",
        ErrorKind::Statement { index } => {
            facts.set_item("index", index)?;
            "StatementError"
        }
        ErrorKind::Run { name, fault } => {
            facts.set_item("run", name)?;
            facts.set_item("fault", fault_word(*fault))?;
            "RunError"
        }
        ErrorKind::Unavailable(server) => {
            facts.set_item("server", server_word(*server))?;
            "Unavailable"
        }
        ErrorKind::Server(server) => {
            facts.set_item("server", server_word(*server))?;
            "ServerError"
        }
        _ => "Error",
    };
    let class = py.import("queryfleet._errors")?.getattr(class)?;
    Ok(PyErr::from_value(class.call((text,), Some(&facts))?))
}

fn fault_word(fault: RunFault) -> &'static str {
    match fault {
        RunFault::Unknown => "unknown",
        RunFault::Differs => "differs",
        RunFault::Repeats => "repeats",
        RunFault::Cancelled => "cancelled",
        RunFault::Purged => "purged",
        RunFault::Name => "name",
        _ => "state",
    }
}

fn server_word(server: Server) -> &'static str {
    match server {
        Server::Broker => "broker",
        _ => "database",
    }
}
