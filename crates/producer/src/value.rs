//! Values in JSON: what is bound arrives as it was written, or is refused.

use job::Param;
use serde_json::value::RawValue;

/// The value that a JSON text stands for: null, true and false (1 and 0), a number, a string, or `{"base64": "…"}`.
///
/// # Errors
/// A text for people: what cannot be bound, and a number that would lose digits on the way.
pub(crate) fn param(json: &RawValue) -> Result<Param, String> {
    let text = json.get();
    match text.as_bytes().first() {
        Some(b'n') => Ok(Param::Null),
        Some(b't') => Ok(Param::Int(1)),
        Some(b'f') => Ok(Param::Int(0)),
        Some(b'"') => serde_json::from_str(text).map(Param::Text).map_err(|error| error.to_string()),
        Some(b'{') => serde_json::from_str(text)
            .map_err(|_| r#"an object as a value has to be {"base64": "…"}, with padding"#.into()),
        Some(b'[') => Err("an array is no value to bind: write its JSON as a string".into()),
        _ => number(text),
    }
}

fn number(text: &str) -> Result<Param, String> {
    if let Ok(whole) = text.parse() {
        return Ok(Param::Int(whole));
    }
    if let Ok(whole) = text.parse() {
        return Ok(Param::UInt(whole));
    }
    match text.parse::<f64>() {
        Ok(float) if float.is_finite() && digits(text) == digits(&format!("{float:e}")) => {
            Ok(Param::Float(float))
        }
        _ => Err(format!("number {text} has more digits than arrive: write it as a string, \"{text}\"")),
    }
}

/// The value of a decimal number as its significant digits and the power of ten of the last one.
fn digits(text: &str) -> (bool, String, i64) {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all: String = whole.chars().chain(part.chars()).filter(char::is_ascii_digit).collect();
    let kept = all.trim_end_matches('0');
    let zeros = (all.len() - kept.len()) as i64;
    let kept = kept.trim_start_matches('0').to_owned();
    if kept.is_empty() {
        return (false, kept, 0);
    }
    let exponent: i64 = exponent.parse().unwrap_or(i64::MAX / 2);
    (text.starts_with('-'), kept, exponent - part.len() as i64 + zeros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Result<Param, String> {
        param(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn what_is_bound_is_what_was_written() {
        for (json, wanted) in [
            ("null", Param::Null),
            ("true", Param::Int(1)),
            ("false", Param::Int(0)),
            ("-9223372036854775808", Param::Int(i64::MIN)),
            ("18446744073709551615", Param::UInt(u64::MAX)),
            ("0.10", Param::Float(0.1)),
            ("-1.5E+3", Param::Float(-1500.0)),
            ("1e300", Param::Float(1e300)),
            ("0.0e9", Param::Float(0.0)),
            ("100000000000000000000", Param::Float(1e20)),
            (r#""it's \u0000 \\ 😀""#, Param::Text("it's \0 \\ 😀".into())),
            (r#"{"base64": "AAH/"}"#, Param::Bytes(vec![0, 1, 255])),
        ] {
            assert_eq!(of(json).unwrap(), wanted, "{json}");
        }
    }

    #[test]
    fn what_would_change_on_the_way_is_refused() {
        for json in ["18446744073709551617", "0.12345678901234567890123", "1e400", "[1]", r#"{"a": 1}"#] {
            assert!(of(json).is_err(), "{json}");
        }
    }
}
