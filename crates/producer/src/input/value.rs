//! Values before their place in a statement is known.

use queryfleet_job::Param;
use queryfleet_ledger::KeyValue;

/// A value before its place in a statement is known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Bound by the worker.
    Bound(Param),
    /// Written into the statement as it is: it means the same in every session.
    Literal(String),
}

impl From<&KeyValue> for Value {
    fn from(value: &KeyValue) -> Value {
        match value {
            KeyValue::Plain(param) => Value::Bound(param.clone()),
            KeyValue::Text(bytes) => Value::Literal(bytes.to_string()),
        }
    }
}
