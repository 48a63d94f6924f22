//! What a program asks to have executed: a statement and the values bound to it.

use std::time::Duration;

use queryfleet_job::{Job, Param};

/// A statement, the values for its `?` placeholders, and how it is to be executed.
///
/// ```
/// use queryfleet::Statement;
///
/// let plain = Statement::from("DELETE FROM session WHERE expires < '2026-01-01'");
/// let bound = Statement::new("UPDATE account SET balance = balance + ? WHERE id = ?").bind(12).bind(7);
/// # let _ = (plain, bound);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub(crate) sql: String,
    pub(crate) values: Vec<Value>,
    pub(crate) database: Option<String>,
    pub(crate) timeout: Option<Duration>,
}

impl Statement {
    /// Its text.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The values that are bound, in the order of the placeholders.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The database that it is executed in, if it is another than that of the configuration.
    pub fn database_name(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// How long it may take, if that was said.
    pub fn time_limit(&self) -> Option<Duration> {
        self.timeout
    }

    /// A statement without values. It is one statement, as a client sends it: no `;` between two.
    pub fn new(sql: impl Into<String>) -> Statement {
        Statement { sql: sql.into(), values: Vec::new(), database: None, timeout: None }
    }

    /// Binds the next `?`.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Statement {
        self.values.push(value.into());
        self
    }

    /// Executes it in this database instead of that of the configuration.
    #[must_use]
    pub fn database(mut self, name: impl Into<String>) -> Statement {
        self.database = Some(name.into());
        self
    }

    /// How long it may take, in whole milliseconds, at least one, instead of `QUERYFLEET_STATEMENT_TIMEOUT`. The shorter of
    /// both holds.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Statement {
        self.timeout = Some(timeout);
        self
    }
}

/// A statement, or the error of what makes them.
pub(crate) type Made = Result<Statement, Box<dyn std::error::Error + Send + Sync>>;

impl From<&str> for Statement {
    fn from(sql: &str) -> Statement {
        Statement::new(sql)
    }
}

impl From<String> for Statement {
    fn from(sql: String) -> Statement {
        Statement::new(sql)
    }
}

impl<S: Into<String>> From<(S, Vec<Value>)> for Statement {
    fn from((sql, values): (S, Vec<Value>)) -> Statement {
        Statement { values, ..Statement::new(sql) }
    }
}

impl Statement {
    pub(crate) fn of(job: Job) -> Statement {
        Statement {
            sql: job.sql,
            values: job.params.into_iter().map(Value::of).collect(),
            database: job.database,
            timeout: job.timeout_ms.map(Duration::from_millis),
        }
    }
}

impl Value {
    fn of(param: Param) -> Value {
        match param {
            Param::Null => Value::Null,
            Param::Int(number) => Value::Int(number),
            Param::UInt(number) => Value::UInt(number),
            Param::Float(float) => Value::Float(float),
            Param::Text(text) => Value::Text(text),
            Param::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

/// A value that is bound to a `?`. It arrives as it is, or its statement is refused.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// NULL.
    Null,
    /// A whole number.
    Int(i64),
    /// A whole number, also past `i64::MAX`.
    UInt(u64),
    /// A double, written with the fewest digits that mean it: the server computes with 0.1 as the decimal 0.1, and with what is
    /// 1e30 or larger, or smaller than 1e-12, as a double. One that is not finite is refused, since the server has none.
    Float(f64),
    /// A number of any size, exact, as its digits, those behind the point all of them: `-12.50`. More than 65 digits, or 30 behind
    /// the point, are refused.
    Decimal(String),
    /// Text; also dates and times, as the server reads them: `2026-11-27 10:15:00`.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

macro_rules! from {
    ($($from:ty => $variant:ident),* $(,)?) => {
        $(impl From<$from> for Value {
            fn from(value: $from) -> Value {
                Value::$variant(value.into())
            }
        })*
    };
}

from! {
    i8 => Int, i16 => Int, i32 => Int, i64 => Int, bool => Int,
    u8 => UInt, u16 => UInt, u32 => UInt, u64 => UInt,
    f32 => Float, f64 => Float,
    &str => Text, String => Text,
    &[u8] => Bytes, Vec<u8> => Bytes,
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}
