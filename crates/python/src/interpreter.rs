//! Working beside the interpreter: without its lock, and with a look at its signals.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use queryfleet::{Error, Task};
use tokio::runtime::Runtime;

use crate::errors::exception;

/// The pause between two looks at signals, and between two calls of `progress`.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
const LOOKS_PER_PROGRESS: u32 = 5;

/// The runtime of this process. One that a fork has copied has no threads: the child gets one of its own.
pub(crate) fn runtime() -> PyResult<&'static Runtime> {
    static RUNTIME: Mutex<Option<(u32, &'static Runtime)>> = Mutex::new(None);
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    match *runtime {
        Some((of, runtime)) if of == process => Ok(runtime),
        _ => {
            let new = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .map_err(|error| PyOSError::new_err(format!("cannot start threads: {error}")))?;
            // It lives as long as the process: Python ends a module's objects in no order.
            let new: &'static Runtime = Box::leak(Box::new(new));
            *runtime = Some((process, new));
            Ok(new)
        }
    }
}

/// Gives the interpreter's lock up for what may take long. A generator or a `progress` that calls the package again is within
/// such work already.
fn apart<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    py.detach(|| match tokio::runtime::Handle::try_current() {
        Ok(_) => tokio::task::block_in_place(work),
        Err(_) => work(),
    })
}

/// Waits for a future; Ctrl-C drops it.
pub(crate) fn block<T: Send>(
    py: Python<'_>,
    work: impl Future<Output = Result<T, Error>> + Send,
) -> PyResult<T> {
    apart(py, || {
        runtime()?.block_on(async {
            tokio::pin!(work);
            let mut looks = tokio::time::interval(LOOK_INTERVAL);
            loop {
                tokio::select! {
                    done = &mut work => return done.map_err(exception),
                    _ = looks.tick() => Python::attach(|py| py.check_signals())?,
                }
            }
        })
    })
}

/// Waits for a task, and calls `progress` with a line of text now and then. An exception there ends it, as Ctrl-C does.
pub(crate) fn drive<T: Send + 'static>(
    py: Python<'_>,
    mut task: Task<T>,
    progress: Option<&Py<PyAny>>,
) -> PyResult<T> {
    apart(py, || {
        runtime()?.block_on(async {
            let mut newest = None;
            let mut looks = tokio::time::interval(LOOK_INTERVAL);
            let mut count: u32 = 0;
            loop {
                tokio::select! {
                    report = task.next() => match report {
                        Some(report) => newest = Some(report),
                        None => break,
                    },
                    _ = looks.tick() => {
                        count = count.wrapping_add(1);
                        let said = if count.is_multiple_of(LOOKS_PER_PROGRESS) { newest.take() } else { None };
                        Python::attach(|py| {
                            py.check_signals()?;
                            if let (Some(progress), Some(said)) = (progress, said) {
                                progress.call1(py, (said.to_string(),))?;
                            }
                            Ok::<(), PyErr>(())
                        })?;
                    }
                }
            }
            if let (Some(progress), Some(said)) = (progress, newest) {
                Python::attach(|py| progress.call1(py, (said.to_string(),)))?;
            }
            task.await.map_err(exception)
        })
    })
}
