//! A value bound to a placeholder.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A bound value. In the envelope: `null`, a number, a string, or `{"base64": "…"}` for bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    /// SQL NULL.
    Null,
    /// A whole number.
    Int(i64),
    /// A whole number past `i64::MAX`.
    UInt(u64),
    /// A floating-point number; always finite.
    Float(f64),
    /// Text, sent as utf8mb4.
    Text(String),
    /// Bytes, unchanged.
    Bytes(Vec<u8>),
}

impl Param {
    /// Bytes that it has, about: texts and bytes exactly.
    pub fn size(&self) -> usize {
        match self {
            Param::Text(text) => text.len(),
            Param::Bytes(bytes) => bytes.len(),
            _ => size_of::<Param>(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped {
    base64: String,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Wire {
    Null(()),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(String),
    Bytes(Wrapped),
}

impl Serialize for Param {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Param::Null => serializer.serialize_unit(),
            Param::Int(n) => serializer.serialize_i64(*n),
            Param::UInt(n) => serializer.serialize_u64(*n),
            Param::Float(x) => serializer.serialize_f64(*x),
            Param::Text(text) => serializer.serialize_str(text),
            Param::Bytes(bytes) => Wrapped { base64: STANDARD.encode(bytes) }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Param {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Param, D::Error> {
        Ok(match Wire::deserialize(deserializer)? {
            Wire::Null(()) => Param::Null,
            Wire::Int(n) => Param::Int(n),
            Wire::UInt(n) => Param::UInt(n),
            Wire::Float(x) => Param::Float(x),
            Wire::Text(text) => Param::Text(text),
            Wire::Bytes(bytes) => {
                Param::Bytes(STANDARD.decode(bytes.base64).map_err(serde::de::Error::custom)?)
            }
        })
    }
}
