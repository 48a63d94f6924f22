//! One variable: what the table says of it, and how its text becomes a value.

use std::fs::File;
use std::io::{self, Read};

use crate::Error;

/// A byte order mark.
const BOM: char = '\u{feff}';
/// A longer file is no value, but another file.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// One variable of the environment: a row of the table in docs/environment.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// The whole name, prefix included.
    pub name: &'static str,
    /// The value of a variable that is not set, in the variable's own form; `None` if it has no default.
    pub default: Option<&'static str>,
    /// The unit or form of a value, as it follows the word "expected".
    pub form: &'static str,
    /// What the variable is for.
    pub help: &'static str,
    /// The value is a secret: it is never printed, and is held in a [`crate::Secret`].
    pub secret: bool,
    /// The value may also be in a file, which the variable with `_FILE` appended to its name gives.
    pub file: bool,
    /// The value may have several lines. No other value may contain a control character.
    pub lines: bool,
}

impl Variable {
    /// A variable with a default.
    pub(crate) const fn with_default(
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

    /// The same variable, of several lines, which may also be in a file.
    pub(crate) const fn lines_or_file(self) -> Self {
        Self { file: true, lines: true, ..self }
    }

    /// The same variable, secret, which may also be in a file.
    pub(crate) const fn secret(self) -> Self {
        Self { secret: true, file: true, ..self }
    }

    /// The variable that may name a file of the value instead.
    pub(crate) fn file_name(&self) -> String {
        format!("{}_FILE", self.name)
    }

    /// Parses what was given, if anything was. `parse` returns `None` for a bad value, so that no error can carry the
    /// value.
    pub(crate) fn parse<T>(
        &self,
        given: Option<String>,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(text) = given else { return Ok(None) };
        self.refuse_control(self.name, &text)?;
        // An empty value is a mistake, not "unset": an empty SIGNING_KEY would switch verification off in silence.
        let parsed = if text.is_empty() { None } else { parse(&text) };
        parsed.map(Some).ok_or(Error::Value { name: self.name, form: self.form })
    }

    /// The value in the file at `path`, less what an editor, or Windows, puts around it: a byte order mark, spaces and
    /// line breaks.
    pub(crate) fn text_in_file(&self, path: &str) -> Result<String, Error> {
        self.refuse_control(&self.file_name(), path)?;
        let text =
            contents(path).map_err(|source| Error::File { name: self.name, path: path.into(), source })?;
        Ok(text.trim_start_matches(BOM).trim().to_owned())
    }

    /// A carriage return that cannot be seen would be part of a name or a password.
    fn refuse_control(&self, name: &str, text: &str) -> Result<(), Error> {
        if text.contains(char::is_control) && !(self.lines && name == self.name) {
            return Err(Error::Control { name: name.to_owned(), form: self.form });
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
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}
