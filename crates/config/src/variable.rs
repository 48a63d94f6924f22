//! What is known of one variable, and how its value is read.

use std::fs;

use crate::Error;

/// One variable of the environment: a row of the table in docs/environment.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// The whole name, prefix included.
    pub name: &'static str,
    /// What counts when the variable is not set, in the variable's own form; `None`: nothing does.
    pub default: Option<&'static str>,
    /// The unit or form of a value, as it follows the word "expected".
    pub form: &'static str,
    /// What the variable is for.
    pub help: &'static str,
    /// The value is a secret: never printed, and held in a [`crate::Secret`].
    pub secret: bool,
    /// The value may also come from the file that the variable's name with `_FILE` appended gives.
    pub file: bool,
}

impl Variable {
    /// A variable with a default.
    pub(crate) const fn new(
        name: &'static str,
        default: &'static str,
        form: &'static str,
        help: &'static str,
    ) -> Self {
        Self { name, default: Some(default), form, help, secret: false, file: false }
    }

    /// A variable that may stay unset.
    pub(crate) const fn optional(name: &'static str, form: &'static str, help: &'static str) -> Self {
        Self { name, default: None, form, help, secret: false, file: false }
    }

    /// The same, also read from a file.
    pub(crate) const fn or_file(self) -> Self {
        Self { file: true, ..self }
    }

    /// The same, secret and also read from a file.
    pub(crate) const fn secret(self) -> Self {
        Self { secret: true, file: true, ..self }
    }

    /// Parses what was given, or else the default. `parse` answers `None` for a bad value, so that no error can
    /// carry the value.
    pub(crate) fn read<T>(
        &self,
        given: Option<String>,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let given = given.or(self.default.map(str::to_owned));
        self.read_optional(given, parse)?.ok_or(self.not_set())
    }

    /// Parses what was given, if anything was.
    pub(crate) fn read_optional<T>(
        &self,
        given: Option<String>,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(text) = given else { return Ok(None) };
        // An empty value is a mistake, not "unset": an empty SIGNING_KEY would switch verification off in silence.
        let parsed = if text.is_empty() { None } else { parse(&text) };
        parsed.map(Some).ok_or(Error::Value { name: self.name, form: self.form })
    }

    /// The value from the variable, or from the file that its `_FILE` twin names, less trailing newlines.
    pub(crate) fn value_or_file(
        &self,
        value: Option<String>,
        path: Option<String>,
    ) -> Result<Option<String>, Error> {
        let Some(path) = path else { return Ok(value) };
        if value.is_some() {
            return Err(Error::Twice { name: self.name });
        }
        let text = fs::read_to_string(&path).map_err(|source| Error::File {
            name: self.name,
            path: path.into(),
            source,
        })?;
        Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// The error of a command that needs this variable.
    pub(crate) fn not_set(&self) -> Error {
        Error::NotSet { name: self.name, form: self.form }
    }
}
