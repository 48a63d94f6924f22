//! Private servers.

use std::collections::HashMap;

use pyo3::prelude::*;
use tokio::sync::Mutex;

use crate::interpreter::block;

/// See `queryfleet.dev`.
#[pyclass(frozen, module = "queryfleet._queryfleet")]
pub(crate) struct Servers(Mutex<Option<queryfleet::dev::Servers>>);

#[pymethods]
impl Servers {
    /// Starts them.
    #[new]
    fn new(py: Python<'_>) -> PyResult<Servers> {
        Ok(Servers(Mutex::new(Some(block(py, queryfleet::dev::Servers::start())?))))
    }

    /// The environment that reaches them.
    fn env(&self) -> HashMap<&'static str, String> {
        let servers = self.0.blocking_lock();
        servers.as_ref().map(|servers| servers.env().into_iter().collect()).unwrap_or_default()
    }

    /// Stops them; a second time does nothing.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        block(py, async {
            match self.0.lock().await.take() {
                Some(servers) => servers.stop().await,
                None => Ok(()),
            }
        })
    }
}
