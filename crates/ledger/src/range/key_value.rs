//! A value of a key: read from the server, kept with its range, and written into statements as the same key.

use std::fmt;

use queryfleet_job::Param;
use queryfleet_sql::SqlMode;
use serde::{Deserialize, Serialize};

use crate::session::bind::literal;

/// A value of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeyValue {
    /// A text.
    Text(Bytes),
    /// A whole number, a date or bytes; also a text, of a range that an earlier version has written down.
    Plain(Param),
}

/// The bytes of a text in its column's own character set: not every one of them is a character that comes back from
/// Unicode as the same byte, and some are none at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Kept")]
pub struct Bytes {
    charset: String,
    hex: String,
}

/// The same before it was looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    charset: String,
    hex: String,
}

impl TryFrom<Kept> for Bytes {
    type Error = String;

    fn try_from(Kept { charset, hex }: Kept) -> Result<Bytes, String> {
        Bytes::new(&charset, &hex).ok_or_else(|| "no character set, or no hexadecimal digits".into())
    }
}

impl Bytes {
    /// `None` for what would not be just a literal: it goes into statements as it is.
    pub(crate) fn new(charset: &str, hex: &str) -> Option<Bytes> {
        let is_name = charset.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let is_hex = hex.len().is_multiple_of(2) && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_name && !charset.is_empty() && is_hex).then(|| Bytes { charset: charset.into(), hex: hex.into() })
    }
}

impl fmt::Display for Bytes {
    /// As a literal, which no mode reads otherwise. Without a COLLATE: so it is the column's that counts, and its index
    /// that is used.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "_{} x'{}'", self.charset, self.hex)
    }
}

impl KeyValue {
    /// As a literal.
    pub(crate) fn literal(&self, mode: SqlMode) -> String {
        match self {
            KeyValue::Text(bytes) => bytes.to_string(),
            KeyValue::Plain(param) => literal(param, mode),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_written_down_is_read_back() {
        let text = |charset: &str, hex: &str| KeyValue::Text(Bytes::new(charset, hex).unwrap());
        for (json, wanted) in [
            (r#"{"charset":"cp1251","hex":"98D0"}"#, text("cp1251", "98D0")),
            (r#"{"charset":"utf8mb4","hex":""}"#, text("utf8mb4", "")),
            (r#""it's""#, KeyValue::Plain(Param::Text("it's".into()))),
            ("-7", KeyValue::Plain(Param::Int(-7))),
            ("18446744073709551615", KeyValue::Plain(Param::UInt(u64::MAX))),
            (r#"{"base64":"AP8="}"#, KeyValue::Plain(Param::Bytes(vec![0, 0xff]))),
        ] {
            assert_eq!(serde_json::from_str::<KeyValue>(json).unwrap(), wanted, "{json}");
            assert_eq!(serde_json::to_string(&wanted).unwrap(), json);
        }
        let mode = SqlMode::default();
        assert_eq!(text("cp1251", "98D0").literal(mode), "_cp1251 x'98D0'");
    }

    #[test]
    fn nothing_but_a_literal_is_read_back() {
        for json in [
            r#"{"charset":"x'' OR 1 --","hex":""}"#,
            r#"{"charset":"","hex":""}"#,
            r#"{"charset":"latin1","hex":"0"}"#,
            r#"{"charset":"latin1","hex":"' OR 1 "}"#,
            r#"{"charset":"latin1","hex":"00","more":1}"#,
            r#"{"charset":"latin1"}"#,
        ] {
            assert!(serde_json::from_str::<KeyValue>(json).is_err(), "{json}");
        }
    }
}
