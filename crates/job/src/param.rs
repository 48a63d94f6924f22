//! A value bound to a placeholder.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
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
        deserializer.deserialize_any(Reader)
    }
}

/// Takes a value by its form, at once: serde's untagged enum would keep it and try one form after the other, at seven
/// times the cost.
struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Param;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a number, a string or {\"base64\": \"…\"}")
    }

    fn visit_unit<E>(self) -> Result<Param, E> {
        Ok(Param::Null)
    }

    fn visit_i64<E>(self, n: i64) -> Result<Param, E> {
        Ok(Param::Int(n))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Param, E> {
        Ok(i64::try_from(n).map_or(Param::UInt(n), Param::Int))
    }

    fn visit_f64<E>(self, x: f64) -> Result<Param, E> {
        Ok(Param::Float(x))
    }

    fn visit_str<E>(self, text: &str) -> Result<Param, E> {
        Ok(Param::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Param, A::Error> {
        let Wrapped { base64 } = Wrapped::deserialize(MapAccessDeserializer::new(map))?;
        STANDARD.decode(base64).map(Param::Bytes).map_err(A::Error::custom)
    }
}
