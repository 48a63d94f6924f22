//! Reading CSV as RFC 4180 has it, strictly: what a lenient reader would guess at is an error with its place.
//!
//! Fields are separated by commas, records by line ends; a field in double quotes may hold both, and `""` for a quote.
//! Every field is a text; `\N` without quotes is NULL, as `LOAD DATA` and `mysqldump --tab` write it.

use std::io::{BufRead, Read};
use std::path::PathBuf;

use job::Param;

use crate::Error;
use crate::lines::{Bytes, NOT_UTF8};

/// NULL, where it stands without quotes.
const NULL: &str = r"\N";

/// The records of a CSV file.
pub(crate) struct Csv {
    name: PathBuf,
    bytes: Bytes,
    limit: usize,
    record: Vec<u8>,
    /// The first line of the record read last, from 1.
    pub(crate) line: u64,
    lines: u64,
}

/// A field and the byte of its record at which it begins.
pub(crate) struct Field {
    pub(crate) value: Param,
    pub(crate) offset: usize,
}

impl Csv {
    /// Records under this name, none of them longer than `limit` bytes.
    pub(crate) fn new(name: PathBuf, bytes: Bytes, limit: usize) -> Csv {
        Csv { name, bytes, limit, record: Vec::new(), line: 0, lines: 0 }
    }

    /// The next record's fields; `None` at the end. Blank lines between records are passed over.
    ///
    /// # Errors
    /// When reading fails, or a record is not well-formed; the place is named.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<Field>>, Error> {
        if !self.read()? {
            return Ok(None);
        }
        let text = match std::str::from_utf8(&self.record) {
            Ok(text) => text,
            Err(error) => return Err(self.bad(error.valid_up_to(), NOT_UTF8.to_owned())),
        };
        fields(text).map(Some).map_err(|(offset, why)| self.bad(offset, why))
    }

    /// An error at this byte of the record.
    pub(crate) fn bad(&self, offset: usize, why: String) -> Error {
        Error::bad(&self.name, self.line, &self.record, offset, why)
    }

    /// Reads the lines of one record, without the line end: further ones for as long as a quote is open.
    fn read(&mut self) -> Result<bool, Error> {
        self.record.clear();
        let mut open = false;
        loop {
            let begin = self.record.len();
            let room = (self.limit + 1 - begin) as u64;
            let read = (&mut self.bytes).take(room).read_until(b'\n', &mut self.record);
            if read.map_err(|source| Error::Read { path: self.name.clone(), source })? == 0 {
                return Ok(begin > 0);
            }
            self.lines += 1;
            if begin == 0 {
                self.line = self.lines;
            }
            if self.record.len() > self.limit {
                return Err(self.bad(0, self.too_long()));
            }
            open ^= self.record[begin..].iter().filter(|byte| **byte == b'"').count() % 2 == 1;
            if !open {
                let kept = self.record.strip_suffix(b"\n").unwrap_or(&self.record);
                let kept = kept.strip_suffix(b"\r").unwrap_or(kept).len();
                self.record.truncate(kept);
                if kept > 0 {
                    return Ok(true);
                }
            }
        }
    }

    fn too_long(&self) -> String {
        format!("row is longer than {} bytes; is there a quote that is never closed?", self.limit)
    }
}

/// The fields of a record, or what is wrong with it at which byte.
fn fields(text: &str) -> Result<Vec<Field>, (usize, String)> {
    let mut fields = Vec::new();
    let mut offset = 0;
    loop {
        let rest = &text[offset..];
        let (value, length) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (value, length) = unquoted(quoted).ok_or((offset, "quote is never closed".into()))?;
                (Param::Text(value), length + 1)
            }
            None => plain(rest).map_err(|(at, why)| (offset + at, why))?,
        };
        fields.push(Field { value, offset });
        offset += length;
        match text.as_bytes().get(offset) {
            None => return Ok(fields),
            Some(b',') => offset += 1,
            Some(_) => {
                return Err((offset, "text after a closing quote: write a quote in a field as \"\"".into()));
            }
        }
    }
}

/// A field without quotes, and its length.
fn plain(text: &str) -> Result<(Param, usize), (usize, String)> {
    let field = text.split(',').next().unwrap_or_default();
    match field.find('"') {
        Some(at) => {
            Err((at, "quote in a field without quotes: put all of it in quotes, this one as \"\"".into()))
        }
        None if field == NULL => Ok((Param::Null, field.len())),
        None => Ok((Param::Text(field.to_owned()), field.len())),
    }
}

/// What stands before the closing quote, and the length with that quote; `None` when there is none.
fn unquoted(text: &str) -> Option<(String, usize)> {
    let (mut value, mut from) = (String::new(), 0);
    loop {
        let quote = from + text[from..].find('"')?;
        value.push_str(&text[from..quote]);
        if text.as_bytes().get(quote + 1) != Some(&b'"') {
            return Some((value, quote + 1));
        }
        value.push('"');
        from = quote + 2;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read(text: &[u8]) -> Result<Vec<Vec<Param>>, String> {
        let mut csv = Csv::new("f.csv".into(), Box::new(Cursor::new(text.to_vec())), 100);
        let mut records = Vec::new();
        while let Some(fields) = csv.next().map_err(|error| error.to_string())? {
            records.push(fields.into_iter().map(|field| field.value).collect());
        }
        Ok(records)
    }

    fn text(text: &str) -> Param {
        Param::Text(text.into())
    }

    #[test]
    fn records_of_every_form() {
        let records =
            read(b"a,\"b\"\r\n\n\"it's \"\"so\"\"\r\n\\\",\n\\N,\"\\N\"\n,\"\"\n\xf0\x9f\x98\x80,a\0b")
                .unwrap();
        let wanted = [
            [text("a"), text("b")],
            [text("it's \"so\"\r\n\\"), text("")],
            [Param::Null, text(r"\N")],
            [text(""), text("")],
            [text("😀"), text("a\0b")],
        ];
        assert_eq!(records, wanted);
        assert_eq!(read(b"").unwrap(), Vec::<Vec<Param>>::new());
    }

    #[test]
    fn what_is_no_csv_is_refused_with_its_place() {
        let long = "x".repeat(101);
        for (bytes, wanted) in [
            (&b"a,b\nc,\"d\ne,f\n"[..], "f.csv:2:3: quote is never closed"),
            (b"a,\"b\"c\n", "f.csv:1:6: text after a closing quote"),
            (b"a\nb\"\nc", "f.csv:2:2: quote in a field without"),
            (b"\"a\nb\",\xff", "f.csv:2:4: not UTF-8"),
            (long.as_bytes(), "f.csv:1:1: row is longer than 100 bytes"),
        ] {
            let error = read(bytes).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
