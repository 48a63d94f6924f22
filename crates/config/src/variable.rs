//! What is known of one variable, and how its value is read.

use std::fs::File;
use std::io::{self, Read};

use crate::Error;

/// A byte order mark.
const BOM: char = '\u{feff}';
/// The longest file of a value: what is longer is another file.
const LONGEST_FILE: u64 = 1 << 20;

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
    /// The value may have several lines; no other value has a control character in it.
    pub lines: bool,
}

impl Variable {
    /// A variable with a default.
    pub(crate) const fn new(
        name: &'static str,
        default: &'static str,
        form: &'static str,
        help: &'static str,
    ) -> Self {
        Self { name, default: Some(default), form, help, secret: false, file: false, lines: false }
    }

    /// A variable that may stay unset.
    pub(crate) const fn optional(name: &'static str, form: &'static str, help: &'static str) -> Self {
        Self { name, default: None, form, help, secret: false, file: false, lines: false }
    }

    /// The same, of several lines, also read from a file.
    pub(crate) const fn lines_or_file(self) -> Self {
        Self { file: true, lines: true, ..self }
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
        self.check_control(self.name.to_owned(), &text)?;
        // An empty value is a mistake, not "unset": an empty SIGNING_KEY would switch verification off in silence.
        let parsed = if text.is_empty() { None } else { parse(&text) };
        parsed.map(Some).ok_or(Error::Value { name: self.name, form: self.form })
    }

    /// The value from the variable, or from the file that its `_FILE` twin names, less what an editor, or Windows, puts
    /// around it: a byte order mark, spaces and line breaks.
    pub(crate) fn value_or_file(
        &self,
        value: Option<String>,
        path: Option<String>,
    ) -> Result<Option<String>, Error> {
        let Some(path) = path else { return Ok(value) };
        if value.is_some() {
            return Err(Error::Twice { name: self.name });
        }
        self.check_control(format!("{}_FILE", self.name), &path)?;
        let text =
            contents(&path).map_err(|source| Error::File { name: self.name, path: path.into(), source })?;
        Ok(Some(text.trim_start_matches(BOM).trim().to_owned()))
    }

    /// A carriage return that cannot be seen would be part of a name or a password.
    fn check_control(&self, name: String, text: &str) -> Result<(), Error> {
        if text.contains(char::is_control) && !(self.lines && name == self.name) {
            return Err(Error::Control { name, form: self.form });
        }
        Ok(())
    }

    /// The error of a command that needs this variable.
    pub(crate) fn not_set(&self) -> Error {
        Error::NotSet { name: self.name, form: self.form }
    }
}

fn contents(path: &str) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST_FILE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}
