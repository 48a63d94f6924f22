//! Values before their place in a statement is known, with numbers as exact as they were written.

use queryfleet_job::Param;
use queryfleet_ledger::KeyValue;

/// Digits of a number that a server holds exactly, and how many of them behind the point.
const MAX_DIGITS: usize = 65;
const MAX_SCALE: usize = 30;
/// Bytes of a number that an error shows.
const SHOWN_BYTES: usize = 80;
/// Doubles whose digits are written as a decimal (`queryfleet_ledger::bind`).
const WRITTEN_AS_DECIMAL: std::ops::Range<f64> = 1e-12..1e30;

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

/// Whether a text is a number that a server holds exactly: `-12.50`, no exponent, no plus sign, no space.
pub(crate) fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole) && is_digits(part) && whole.len() + part.len() <= MAX_DIGITS && part.len() <= MAX_SCALE
}

/// A number as it is written into a statement, where a sign before it may be an operator's operand.
pub(crate) fn decimal_literal(decimal: &str) -> Value {
    Value::Literal(if decimal.starts_with('-') { format!("({decimal})") } else { decimal.to_owned() })
}

/// A number of JSON.
///
/// # Errors
/// Returns a text for people if no server holds the number.
pub(crate) fn json_number(text: &str) -> Result<Value, String> {
    if let Ok(whole) = text.parse() {
        return Ok(Value::Bound(Param::Int(whole)));
    }
    if let Ok(whole) = text.parse() {
        return Ok(Value::Bound(Param::UInt(whole)));
    }
    let float: f64 = text.parse().unwrap_or(f64::NAN);
    let same = float.is_finite() && parts(text) == parts(&format!("{float:e}"));
    if same && (float == 0.0 || WRITTEN_AS_DECIMAL.contains(&float.abs())) {
        return Ok(Value::Bound(Param::Float(float)));
    }
    match without_exponent(text).filter(|decimal| is_decimal(decimal)) {
        Some(decimal) => Ok(decimal_literal(&decimal)),
        // Past every decimal, so it can only be meant as a double.
        None if same => Ok(Value::Bound(Param::Float(float))),
        None => Err(too_long(text)),
    }
}

/// What to say of a number that no server holds.
pub(crate) fn too_long(number: &str) -> String {
    format!(
        "number {} has more digits than a server computes with ({MAX_DIGITS}, {MAX_SCALE} of them behind the point): write \
         it shorter, or as a string where it is text",
        queryfleet_job::shorten(number.to_owned(), SHOWN_BYTES)
    )
}

/// A number's significant digits, and the power of ten of the last one.
fn parts(text: &str) -> (bool, String, i64) {
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

/// The number without an exponent; `None` if that would be absurdly long.
fn without_exponent(text: &str) -> Option<String> {
    let (negative, digits, exponent) = parts(text);
    let sign = if negative { "-" } else { "" };
    let exponent = i32::try_from(exponent).ok().filter(|exponent| exponent.abs() <= MAX_DIGITS as i32)?;
    if exponent >= 0 {
        return Some(format!("{sign}{digits}{}", "0".repeat(exponent as usize)));
    }
    let behind = exponent.unsigned_abs() as usize;
    let digits = format!("{}{digits}", "0".repeat((behind + 1).saturating_sub(digits.len())));
    let (whole, part) = digits.split_at(digits.len() - behind);
    Some(format!("{sign}{whole}.{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_decimal_is_known() {
        let long = format!("{}.{}", "9".repeat(35), "9".repeat(30));
        for text in ["0", "-0", "007", "12.50", "-90071992547409.93", "18446744073709551616", &long] {
            assert!(is_decimal(text), "{text}");
        }
        let (too_long, too_fine) = ("9".repeat(66), format!("0.{}", "1".repeat(31)));
        for text in [
            "", "-", "+1", "1e3", ".5", "5.", "1.2.3", "0x1F", " 1", "1 ", "1,5", "NaN", "Infinity", "١",
            "--1", "1_000", "TRUE", &too_long, &too_fine,
        ] {
            assert!(!is_decimal(text), "{text}");
        }
    }

    #[test]
    fn numbers_of_json_are_exact() {
        let bound = |param| Ok(Value::Bound(param));
        let written = |text: &str| Ok(Value::Literal(text.into()));
        for (json, wanted) in [
            ("7", bound(Param::Int(7))),
            ("0.10", bound(Param::Float(0.1))),
            ("-1.5E+3", bound(Param::Float(-1500.0))),
            ("0.0e9", bound(Param::Float(0.0))),
            ("1e300", bound(Param::Float(1e300))),
            ("100000000000000000000", bound(Param::Float(1e20))),
            ("90071992547409.93", written("90071992547409.93")),
            ("1234567890.5678", bound(Param::Float(1_234_567_890.567_8))),
            ("18446744073709551617", written("18446744073709551617")),
            ("-18446744073709551617", written("(-18446744073709551617)")),
            ("0.1234567890123456789", written("0.1234567890123456789")),
            ("1000000000000000000000000000000", written("1000000000000000000000000000000")),
            ("0.000000000000001", written("0.000000000000001")),
            ("1e-15", written("0.000000000000001")),
            ("1.23456789012345678901e10", written("12345678901.2345678901")),
        ] {
            assert_eq!(json_number(json), wanted, "{json}");
        }
        for json in ["1e400", "0.12345678901234567890123456789012", "1e99999999999999999999"] {
            assert!(json_number(json).is_err(), "{json}");
        }
    }
}
