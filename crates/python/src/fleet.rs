//! `Fleet`, as the Python part of the package wraps it: tuples in place of its classes.

use std::collections::HashMap;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use queryfleet::Wait;

use crate::errors::exception;
use crate::interpreter::{block, drive};
use crate::running::Running;
use crate::statements::{Options, Queries, to_python};
use crate::status::{Status, ended, status};

fn seconds(seconds: Option<f64>, name: &str) -> PyResult<Option<Duration>> {
    let of = |seconds| Duration::try_from_secs_f64(seconds);
    seconds.map(of).transpose().map_err(|error| PyValueError::new_err(format!("{name}: {error}")))
}

/// The fields of a `Hold`.
type Held = (u64, String, String, String, Option<String>);

/// See `queryfleet.Fleet`.
#[pyclass(frozen, module = "queryfleet._queryfleet")]
pub(crate) struct Fleet {
    fleet: queryfleet::Fleet,
}

#[pymethods]
impl Fleet {
    #[new]
    fn new(settings: HashMap<String, String>) -> PyResult<Fleet> {
        let builder = queryfleet::Fleet::builder();
        let builder = settings.into_iter().fold(builder, |builder, (name, value)| builder.set(name, value));
        Ok(Fleet { fleet: builder.build().map_err(exception)? })
    }

    fn setup(&self, py: Python<'_>) -> PyResult<()> {
        let fleet = self.fleet.clone();
        block(py, async move { fleet.operator()?.setup().await })
    }

    fn publish(
        &self,
        py: Python<'_>,
        queries: &Bound<'_, PyAny>,
        options: Options,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(u64, String, u64, u64, u64)> {
        let request = options.publish(Queries::of(queries)?)?;
        let published = drive(py, self.fleet.publish(request), progress.as_ref())?;
        Ok((published.id, published.name, published.total, published.before, published.replaced))
    }

    fn run(
        &self,
        py: Python<'_>,
        queries: &Bound<'_, PyAny>,
        slots: usize,
        options: Options,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(&'static str, Status)> {
        let request = options.publish(Queries::of(queries)?)?;
        drive(py, self.fleet.run(request, slots), progress.as_ref()).map(ended)
    }

    fn start(&self, queries: &Bound<'_, PyAny>, slots: usize, options: Options) -> PyResult<Running> {
        let request = options.publish(Queries::of(queries)?)?;
        Running::start(&self.fleet, self.fleet.run(request, slots))
    }

    #[pyo3(signature = (run, timeout, give_up_after, progress))]
    fn wait(
        &self,
        py: Python<'_>,
        run: &str,
        timeout: Option<f64>,
        give_up_after: Option<f64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(&'static str, Status)> {
        let mut wait = Wait::new(run);
        if let Some(timeout) = seconds(timeout, "timeout")? {
            wait = wait.timeout(timeout);
        }
        if let Some(time) = seconds(give_up_after, "give_up_after")? {
            wait = wait.give_up_after(time);
        }
        drive(py, self.fleet.wait(wait), progress.as_ref()).map(ended)
    }

    fn status(&self, py: Python<'_>, run: &str) -> PyResult<Status> {
        let fleet = self.fleet.clone();
        block(py, async move { fleet.operator()?.status(run).await }).map(status)
    }

    fn runs(&self, py: Python<'_>, most: u32) -> PyResult<Vec<Status>> {
        let fleet = self.fleet.clone();
        let runs = block(py, async move { fleet.operator()?.runs(most).await })?;
        Ok(runs.into_iter().map(status).collect())
    }

    fn dead_jobs<'py>(&self, py: Python<'py>, run: &str, most: usize) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let fleet = self.fleet.clone();
        let jobs = block(py, async move { fleet.operator()?.dead_jobs(run, most).await })?;
        let to_python = |job: queryfleet::DeadJob| {
            let sql = job.statement.as_ref().map(queryfleet::Statement::sql);
            let values = job.statement.as_ref().map_or(&[][..], queryfleet::Statement::values);
            let values: PyResult<Vec<_>> = values.iter().map(|value| to_python(py, value)).collect();
            let facts = (job.run, job.index, job.reason, job.code, job.sql_state, job.message, job.attempts);
            let database = job.statement.as_ref().and_then(queryfleet::Statement::database_name);
            let timeout = job.statement.as_ref().and_then(queryfleet::Statement::time_limit);
            let timeout = timeout.map(|timeout| timeout.as_secs_f64());
            (facts, sql, values?, database, timeout).into_pyobject(py).map(Bound::into_any)
        };
        jobs.into_iter().map(to_python).collect()
    }

    fn replay(&self, py: Python<'_>, run: &str) -> PyResult<(u64, u64, Vec<String>)> {
        let fleet = self.fleet.clone();
        let replayed = block(py, async move { fleet.operator()?.replay(run).await })?;
        Ok((replayed.jobs, replayed.refused, replayed.reasons))
    }

    fn discard(&self, py: Python<'_>, run: &str) -> PyResult<u64> {
        let fleet = self.fleet.clone();
        block(py, async move { fleet.operator()?.discard(run).await })
    }

    fn cancel(&self, py: Python<'_>, run: &str) -> PyResult<Status> {
        let fleet = self.fleet.clone();
        block(py, async move { fleet.operator()?.cancel(run).await }).map(status)
    }

    fn approve(&self, py: Python<'_>, run: &str) -> PyResult<()> {
        let fleet = self.fleet.clone();
        block(py, async move { fleet.operator()?.approve(run).await })
    }

    fn pause(&self, py: Python<'_>, because: &str, time: Option<f64>) -> PyResult<u64> {
        let (fleet, time) = (self.fleet.clone(), seconds(time, "seconds")?);
        block(py, async move { fleet.operator()?.pause(because, time).await })
    }

    fn holds(&self, py: Python<'_>) -> PyResult<Vec<Held>> {
        let fleet = self.fleet.clone();
        let holds = block(py, async move { fleet.operator()?.holds().await })?;
        Ok(holds.into_iter().map(|hold| (hold.id, hold.by, hold.because, hold.since, hold.until)).collect())
    }

    fn resume(&self, py: Python<'_>, hold: u64) -> PyResult<()> {
        let fleet = self.fleet.clone();
        block(py, async move { fleet.operator()?.resume(hold).await })
    }
}
