//! Values of rows and of NDJSON: what is bound arrives as it was written, or is refused.

use queryfleet_job::Param;
use queryfleet_ledger::KeyValue;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::input::value::{Value, decimal_literal, is_decimal, json_number, too_long};

/// A number that keeps the zeros behind its point: they are its scale.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decimal {
    decimal: String,
}

/// A value of a key, in the rows of a range file.
///
/// # Errors
/// Returns a text for people if it is none.
pub(crate) fn key_value(json: &RawValue) -> Result<Value, String> {
    serde_json::from_str(json.get()).map(|key: KeyValue| Value::from(&key)).map_err(|error| error.to_string())
}

/// The value that a JSON text stands for: null, true and false (1 and 0), a number, a string, `{"base64": "…"}`, or
/// `{"decimal": "12.50"}`.
///
/// # Errors
/// Returns a text for people if the value cannot be bound, or is a number that no server holds.
pub(crate) fn bindable(json: &RawValue) -> Result<Value, String> {
    let text = json.get();
    let param = match text.as_bytes().first() {
        Some(b'n') => Ok(Param::Null),
        Some(b't') => Ok(Param::Int(1)),
        Some(b'f') => Ok(Param::Int(0)),
        Some(b'"') => serde_json::from_str(text).map(Param::Text).map_err(|error| error.to_string()),
        Some(b'{') => match serde_json::from_str(text) {
            Ok(Decimal { decimal }) if is_decimal(&decimal) => return Ok(decimal_literal(&decimal)),
            Ok(Decimal { decimal }) if decimal.bytes().all(|byte| b"-.0123456789".contains(&byte)) => {
                Err(too_long(&decimal))
            }
            _ => serde_json::from_str(text).map_err(|_| {
                r#"an object as a value has to be {"base64": "…"}, with padding, or {"decimal": "12.50"}"#
                    .into()
            }),
        },
        Some(b'[') => Err("an array is no value to bind: write its JSON as a string".into()),
        _ => return json_number(text),
    };
    param.map(Value::Bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Result<Value, String> {
        bindable(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn what_is_bound_is_what_was_written() {
        for (json, wanted) in [
            ("null", Param::Null),
            ("true", Param::Int(1)),
            ("false", Param::Int(0)),
            ("-9223372036854775808", Param::Int(i64::MIN)),
            ("18446744073709551615", Param::UInt(u64::MAX)),
            (r#""it's \u0000 \\ 😀""#, Param::Text("it's \0 \\ 😀".into())),
            (r#"{"base64": "AAH/"}"#, Param::Bytes(vec![0, 1, 255])),
        ] {
            assert_eq!(of(json).unwrap(), Value::Bound(wanted), "{json}");
        }
    }

    #[test]
    fn a_decimal_keeps_its_scale() {
        for (json, wanted) in [("12.50", "12.50"), ("-0.0", "(-0.0)"), ("10", "10")] {
            let read = of(&format!(r#"{{"decimal": "{json}"}}"#));
            assert_eq!(read, Ok(Value::Literal(wanted.into())), "{json}");
        }
    }

    #[test]
    fn what_is_no_value_is_refused() {
        let long = format!(r#"{{"decimal": "{}"}}"#, "9".repeat(66));
        for json in
            ["[1]", r#"{"a": 1}"#, r#"{"base64": "A"}"#, r#"{"decimal": "1e5"}"#, r#"{"decimal": 1}"#, &long]
        {
            assert!(of(json).is_err(), "{json}");
        }
    }
}
