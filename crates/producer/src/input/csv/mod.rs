//! Reading CSV as in RFC 4180, strictly: where a lenient reader would guess, this one returns an error with its location.
//!
//! Fields are separated by commas, records by line ends; a field in double quotes may hold both, and `""` for a quote.
//! Every field is a text; `\N` without quotes is NULL, as `LOAD DATA` and `mysqldump --tab` write it. What MySQL's
//! `INTO OUTFILE` writes looks the same and escapes with backslashes: which of the two it is has to be said where a
//! backslash could be either (`mysql.rs`), and where a field is `NULL`.

pub(crate) mod mysql;
pub(crate) mod rfc4180;

use std::io::{BufRead, Read};
use std::path::PathBuf;

use crate::input::csv::rfc4180::Field;
use crate::input::lines::{Bytes, NOT_UTF8};
use crate::location::Location;
use crate::problem::Problem;
use crate::{CsvDialect, Error};

/// The records of a CSV file.
pub(crate) struct Csv {
    name: PathBuf,
    bytes: Bytes,
    limit: usize,
    record: Vec<u8>,
    dialect: Option<CsvDialect>,
    /// The first line of the record read last, from 1.
    pub(crate) line: u64,
    lines: u64,
    /// Fields of the header; 0 before it is read.
    pub(crate) columns: usize,
}

impl Csv {
    /// Records under this name, none of them longer than `limit` bytes.
    pub(crate) fn new(name: PathBuf, bytes: Bytes, dialect: Option<CsvDialect>, limit: usize) -> Csv {
        Csv { name, bytes, limit, record: Vec::new(), dialect, line: 0, lines: 0, columns: 0 }
    }

    /// The next record's fields; `None` at the end. Blank lines between records are skipped, unless they could be a record of
    /// one empty field.
    ///
    /// # Errors
    /// Returns an error if reading fails, or if the record is not well-formed.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<Field>>, Error> {
        let read = self.read_record();
        // Before any other error: read as the other dialect there may be none.
        if self.dialect.is_none()
            && let Some(offset) = mysql::ambiguous_backslash(&self.record)
        {
            let at = Location::of_byte(&self.name, self.line, &self.record, offset);
            return Err(Error::Statement { at, problem: Problem::AmbiguousBackslash });
        }
        if !read? {
            return Ok(None);
        }
        let text = match std::str::from_utf8(&self.record) {
            Ok(text) => text,
            Err(error) => return Err(self.error_at(error.valid_up_to(), NOT_UTF8.to_owned())),
        };
        let fields = match self.dialect {
            Some(CsvDialect::Mysql) => mysql::fields(text),
            Some(CsvDialect::Rfc4180) | None => rfc4180::fields(text),
        };
        if self.dialect.is_none()
            && let Some(field) = fields.iter().flatten().find(|field| field.is_bare_null(text))
        {
            let at = Location::of_byte(&self.name, self.line, &self.record, field.offset);
            return Err(Error::Statement { at, problem: Problem::AmbiguousNull });
        }
        fields.map(Some).map_err(|(offset, why)| self.error_at(offset, why))
    }

    /// An error at this byte of the record.
    pub(crate) fn error_at(&self, offset: usize, why: String) -> Error {
        Error::at_byte(&self.name, self.line, &self.record, offset, why)
    }

    /// Reads the lines of one record, without the line end: further ones for as long as a quote is open.
    fn read_record(&mut self) -> Result<bool, Error> {
        self.record.clear();
        let mut open = false;
        let mut escaped = false;
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
                return Err(self.error_at(0, self.too_long()));
            }
            for byte in &self.record[begin..] {
                open ^= *byte == b'"' && !escaped;
                escaped = *byte == b'\\' && !escaped && self.dialect == Some(CsvDialect::Mysql);
                if *byte == b'\n' {
                    break;
                }
            }
            let continues = open || self.ends_escaped(begin);
            escaped = false;
            if !continues {
                let kept = self.record.strip_suffix(b"\n").unwrap_or(&self.record);
                let kept = kept.strip_suffix(b"\r").unwrap_or(kept).len();
                self.record.truncate(kept);
                if kept > 0 {
                    return Ok(true);
                }
                if self.columns == 1 {
                    let why = r#"an empty line: write "" for an empty text, \N for NULL, or leave it out"#;
                    return Err(self.error_at(0, why.into()));
                }
            }
        }
    }

    /// Whether the end of the line that begins there is escaped, and so part of a field.
    fn ends_escaped(&self, begin: usize) -> bool {
        let Some(line) = self.record[begin..].strip_suffix(b"\n") else { return false };
        let backslashes = line.iter().rev().take_while(|byte| **byte == b'\\').count();
        self.dialect == Some(CsvDialect::Mysql) && backslashes % 2 == 1
    }

    fn too_long(&self) -> String {
        format!("row is longer than {} bytes; is there a quote that is never closed?", self.limit)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use queryfleet_job::Param;

    use super::*;

    fn read_as(text: &[u8], dialect: Option<CsvDialect>) -> Result<Vec<Vec<Param>>, String> {
        let mut csv = Csv::new("f.csv".into(), Box::new(Cursor::new(text.to_vec())), dialect, 100);
        let mut records = Vec::new();
        while let Some(fields) = csv.next().map_err(|error| error.to_string())? {
            csv.columns = fields.len();
            records.push(fields.into_iter().map(|field| field.value).collect());
        }
        Ok(records)
    }

    fn read(text: &[u8]) -> Result<Vec<Vec<Param>>, String> {
        read_as(text, Some(CsvDialect::Rfc4180))
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
    fn an_empty_line_is_never_a_row_that_is_left_out() {
        for file in [&b"a\n5\n\n7\n"[..], b"a\n5\n\n", b"a\r\n\r\n5\r\n"] {
            let error = read(file).unwrap_err();
            assert!(error.contains("an empty line: write \"\" for an empty text"), "{error}");
        }
        assert_eq!(read(b"a\n5\n\"\"\n").unwrap().len(), 3);
        // What lacks fields can be no row.
        assert_eq!(read(b"a,b\n5,6\n\n7,8\n\n").unwrap().len(), 3);
    }

    #[test]
    fn a_backslash_that_could_be_of_either_dialect_is_asked_about() {
        for file in [
            &b"a,b\n1,\"it\\\"s\"\n"[..],
            b"a,b\n1,\"5\\\" pipe\"\n2,x\n",
            b"a,b\n1,\"C:\\\\dir\"\n",
            b"a,b\n1,\"two\\\nlines\"\n",
            b"a,b\n1,two\\\nlines\n",
            b"a,b\n1,nul\\0\n",
            b"a,b\nx\\,y,2\n",
            b"a,b\n1,x\\",
            b"a,b\n1,\"C:\\dir\\\"\n",
        ] {
            let error = read_as(file, None).unwrap_err();
            assert!(error.contains("say which dialect"), "{error}");
            assert!(error.contains("f.csv:2:"), "{error}");
        }
        for file in [&b"C:\\dir,\"a\\b\",\\N,\"\\N\"\n"[..], b"a\\tb,\"\\n\"\n"] {
            assert_eq!(read_as(file, None), read(file));
        }
    }

    #[test]
    fn what_mysql_writes_is_read_as_it_was() {
        let file = b"a,b\n\"it\\\"s\",\\N\n\"C:\\\\dir\",\"two\\\nlines\"\n\"\\0\\Z\",NULL\nx\\,y,\"NULL\"\n\"\",\"a\"\"b\\\\\"\n";
        let wanted = [
            [text("a"), text("b")],
            [text("it\"s"), Param::Null],
            [text("C:\\dir"), text("two\nlines")],
            [text("\0\u{1a}"), Param::Null],
            [text("x,y"), text("NULL")],
            [text(""), text("a\"b\\")],
        ];
        assert_eq!(read_as(file, Some(CsvDialect::Mysql)).unwrap(), wanted);
        for file in [&b"a\n\"x\\"[..], b"a\n\"x\n", b"a\nx\"y\n", b"a\n\"x\"y\n", b"a\nx\\"] {
            assert!(read_as(file, Some(CsvDialect::Mysql)).is_err(), "{file:?}");
        }
    }

    #[test]
    fn what_is_no_csv_is_refused_with_its_place() {
        let long = "x".repeat(101);
        for (bytes, wanted) in [
            (&b"a,b\nc,\"d\ne,f\n"[..], "f.csv:2:3: quote is never closed"),
            (b"a,\"b\"c\n", "f.csv:1:6: text after a closing quote"),
            (b"a\nb\"\nc", "f.csv:2:2: quote in a field without"),
            (b"\"a\nb\",\xff", "f.csv:2:4: not UTF-8"),
            (b"a\rb,c\n", "f.csv:1:2: carriage return in a field without"),
            (long.as_bytes(), "f.csv:1:1: row is longer than 100 bytes"),
        ] {
            let error = read(bytes).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
