//! Rows as NDJSON: one object per line, a key for each placeholder.

use std::fmt;
use std::path::PathBuf;

use queryfleet_job::Job;
use queryfleet_sql::Position;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::Error;
use crate::input::lines::{Bytes, Lines};
use crate::input::template::Template;
use crate::input::value::Value;

/// The rows of an NDJSON file.
pub(crate) struct Objects {
    lines: Lines,
}

impl Objects {
    /// Lines under this name, none of them longer than `limit` bytes.
    pub(crate) fn new(name: PathBuf, bytes: Bytes, limit: usize) -> Objects {
        Objects { lines: Lines::new(name, bytes, limit) }
    }

    /// The job of the next row, not yet numbered, and its place; `None` at the end.
    ///
    /// # Errors
    /// Returns an error if reading fails, or if a line is no object with exactly the template's names.
    pub(crate) fn next(&mut self, template: &Template) -> Result<Option<(Job, Position)>, Error> {
        if !self.lines.advance()? {
            return Ok(None);
        }
        let lines = &self.lines;
        let pairs: Pairs<'_> =
            serde_json::from_str(lines.text()).map_err(|error| lines.json_error(&error))?;
        let mut values: Vec<Option<(Value, &RawValue)>> = vec![None; template.columns.len()];
        for (key, json) in &pairs.0 {
            let column = template.column(key).map_err(|why| lines.value_error(json, why))?;
            if values[column].is_some() {
                return Err(lines.value_error(json, format!("`{key}` stands twice")));
            }
            let value = template.value(json).map_err(|why| lines.value_error(json, why))?;
            values[column] = Some((value, json));
        }
        if let Some(column) = values.iter().position(Option::is_none) {
            let names: Vec<&str> = pairs.0.iter().map(|(key, _)| key.as_str()).collect();
            return Err(lines.error_at(0, template.missing_column(column, &names)));
        }
        let (values, texts): (Vec<Value>, Vec<&RawValue>) = values.into_iter().flatten().unzip();
        let job =
            template.job(&values).map_err(|misfit| lines.value_error(texts[misfit.column], misfit.why))?;
        Ok(Some((job, lines.place())))
    }
}

/// An object's keys and values as they stand there: a map would keep one of two that are the same.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a key for every placeholder")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    pairs.push((key, map.next_value()?));
                }
                Ok(pairs)
            }
        }
        deserializer.deserialize_map(Collect).map(Pairs)
    }
}
