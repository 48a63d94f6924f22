//! Python's queries as statements.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyIterator, PyList, PyString, PyTuple};
use queryfleet::{NotAtomic, Publish, Statement, Value};

/// Statements that are taken in one go, under the interpreter's lock, while they come quickly.
const TAKEN_AT_ONCE: usize = 64;

/// The queries of a Python iterator, one after the other. It is used from a thread of its own.
pub(crate) struct Queries {
    iterator: Py<PyIterator>,
    taken: std::collections::VecDeque<PyResult<Statement>>,
    index: u64,
    is_over: bool,
}

impl Queries {
    pub(crate) fn of(queries: &Bound<'_, PyAny>) -> PyResult<Queries> {
        let iterator = queries.try_iter()?.unbind();
        Ok(Queries { iterator, taken: Default::default(), index: 0, is_over: false })
    }

    /// Takes some more.
    fn take(&mut self, py: Python<'_>) {
        let mut iterator = self.iterator.bind(py).clone();
        let since = std::time::Instant::now();
        while self.taken.len() < TAKEN_AT_ONCE && since.elapsed() < std::time::Duration::from_millis(1) {
            let next = match iterator.next().transpose() {
                Ok(Some(next)) => next,
                Ok(None) => {
                    self.is_over = true;
                    return;
                }
                Err(error) => {
                    self.is_over = true;
                    self.taken.push_back(Err(error));
                    return;
                }
            };
            let statement = statement(&next, self.index);
            self.index += 1;
            self.is_over = statement.is_err();
            self.taken.push_back(statement);
            if self.is_over {
                return;
            }
        }
    }
}

impl Iterator for Queries {
    type Item = PyResult<Statement>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.taken.is_empty() && !self.is_over {
            Python::attach(|py| self.take(py));
        }
        self.taken.pop_front()
    }
}

/// A text, or a text with its values.
fn statement(query: &Bound<'_, PyAny>, index: u64) -> PyResult<Statement> {
    if let Ok(sql) = query.cast::<PyString>() {
        return Ok(Statement::new(text(sql, index)?));
    }
    let pair = query.cast::<PyTuple>().ok().filter(|pair| matches!(pair.len(), 2 | 3));
    let (Some(sql), Some(values)) = (
        pair.and_then(|pair| pair.get_item(0).ok()).and_then(|sql| sql.cast_into::<PyString>().ok()),
        pair.and_then(|pair| pair.get_item(1).ok()),
    ) else {
        let class = class_name(query);
        return Err(PyTypeError::new_err(format!(
            "statement {index} is of type {class}: expected str, or a tuple of a str and its values"
        )));
    };
    let is_sequence = values.is_instance_of::<PyTuple>() || values.is_instance_of::<PyList>();
    if !is_sequence {
        let class = class_name(&values);
        return Err(PyTypeError::new_err(format!(
            "the values of statement {index} are of type {class}: expected a tuple or a list"
        )));
    }
    let sql = text(&sql, index)?;
    if sql.contains("%s") && !sql.contains('?') && values.len()? > 0 {
        return Err(PyValueError::new_err(format!(
            "statement {index} has the placeholders %s: those of queryfleet are ?"
        )));
    }
    let mut statement = match pair.and_then(|pair| pair.get_item(2).ok()) {
        Some(settings) => with_settings(Statement::new(sql), &settings, index)?,
        None => Statement::new(sql),
    };
    for item in values.try_iter()? {
        statement = statement.bind(value(&item?, index)?);
    }
    Ok(statement)
}

/// The statement with the database and the timeout of a dict.
fn with_settings(statement: Statement, settings: &Bound<'_, PyAny>, index: u64) -> PyResult<Statement> {
    let wrong = || {
        PyTypeError::new_err(format!(
            "the third item of statement {index} is {settings}: expected a dict of database (a str) and timeout (seconds)"
        ))
    };
    let settings_dict = settings.cast::<PyDict>().map_err(|_| wrong())?;
    let mut statement = statement;
    for (name, value) in settings_dict.iter() {
        match name.extract::<String>().map_err(|_| wrong())?.as_str() {
            "database" => statement = statement.database(value.extract::<String>().map_err(|_| wrong())?),
            "timeout" => {
                let seconds: f64 = value.extract().map_err(|_| wrong())?;
                let timeout = std::time::Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
                statement = statement.timeout(timeout);
            }
            _ => return Err(wrong()),
        }
    }
    Ok(statement)
}

fn text(text: &Bound<'_, PyString>, index: u64) -> PyResult<String> {
    // What is no Unicode, such as a lone surrogate.
    text.extract().map_err(|error| {
        PyValueError::new_err(format!("statement {index} holds a text that is none: {error}"))
    })
}

fn value(value: &Bound<'_, PyAny>, index: u64) -> PyResult<Value> {
    if value.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(truth) = value.cast::<PyBool>() {
        return Ok(truth.is_true().into());
    }
    if value.is_instance_of::<PyInt>() {
        if let Ok(number) = value.extract::<i64>() {
            return Ok(Value::Int(number));
        }
        if let Ok(number) = value.extract::<u64>() {
            return Ok(Value::UInt(number));
        }
    } else if let Ok(string) = value.cast::<PyString>() {
        return Ok(Value::Text(text(string, index)?));
    } else if let Ok(float) = value.cast::<PyFloat>() {
        return Ok(Value::Float(float.value()));
    } else if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(Value::Bytes(bytes.as_bytes().to_vec()));
    }
    // Decimals, dates and times, integers of any size.
    static CONVERT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = value.py();
    let convert = CONVERT.get_or_try_init(py, || {
        Ok::<_, PyErr>(py.import("queryfleet._values")?.getattr("convert")?.unbind())
    })?;
    let (kind, text): (String, String) = convert.bind(py).call1((value, index))?.extract()?;
    Ok(if kind == "decimal" { Value::Decimal(text) } else { Value::Text(text) })
}

fn class_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string())
}

/// A value of a dead job.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Int(number) => number.into_pyobject(py)?.into_any(),
        Value::UInt(number) => number.into_pyobject(py)?.into_any(),
        Value::Float(float) => float.into_pyobject(py)?.into_any(),
        Value::Decimal(text) | Value::Text(text) => text.into_pyobject(py)?.into_any(),
        Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        _ => py.None().into_bound(py),
    })
}

/// How a run is published; the keywords of `Fleet.publish`.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options {
    run: Option<String>,
    chunksize: Option<usize>,
    session_sql: Option<String>,
    not_atomic: Option<String>,
    allow_no_where: bool,
    again: bool,
    rate: Option<u32>,
    max_backlog: Option<u32>,
    canary: Option<u64>,
    halt: Option<String>,
    replaces: Option<String>,
    missing: bool,
}

impl Options {
    pub(crate) fn publish(self, queries: Queries) -> PyResult<Publish> {
        let mut publish = Publish::try_statements(queries);
        if let Some(run) = self.run {
            publish = publish.run(run);
        }
        if let Some(jobs) = self.chunksize {
            publish = publish.chunk(jobs);
        }
        if let Some(sql) = self.session_sql {
            publish = publish.session_sql(sql);
        }
        match self.not_atomic.as_deref() {
            None => {}
            Some("repeat") => publish = publish.not_atomic(NotAtomic::Repeat),
            Some("park") => publish = publish.not_atomic(NotAtomic::Park),
            Some(other) => {
                return Err(PyValueError::new_err(format!(
                    "not_atomic is {other:?}: expected \"repeat\" or \"park\""
                )));
            }
        }
        if self.allow_no_where {
            publish = publish.allow_no_where();
        }
        if self.again {
            publish = publish.again();
        }
        if let Some(rate) = self.rate {
            publish = publish.rate(rate);
        }
        if let Some(messages) = self.max_backlog {
            publish = publish.max_backlog(messages);
        }
        if let Some(jobs) = self.canary {
            publish = publish.canary(jobs);
        }
        if let Some(at) = self.halt {
            let at =
                at.parse().map_err(|error: queryfleet::Error| PyValueError::new_err(error.to_string()))?;
            publish = publish.halt(at);
        }
        if let Some(run) = self.replaces {
            publish = publish.replaces(run);
        }
        if self.missing {
            publish = publish.missing();
        }
        Ok(publish)
    }
}
