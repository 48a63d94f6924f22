//! CSV as MySQL and MariaDB write it (`INTO OUTFILE … FIELDS TERMINATED BY ',' ENCLOSED BY '"'`, `mysqldump --tab`), with
//! backslashes as escapes, and what tells it from RFC 4180, where a backslash is a character like any other.

use std::str::FromStr;

use queryfleet_job::Param;

use crate::input::csv::{AFTER_QUOTE, Field, Fields, NEVER_CLOSED, NULL, QUOTE_INSIDE, RETURN_INSIDE};

/// How the fields of a CSV file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsvDialect {
    /// As RFC 4180 has it: a backslash is a character like any other.
    Rfc4180,
    /// As the server writes it: a backslash escapes what follows.
    Mysql,
}

impl FromStr for CsvDialect {
    type Err = String;

    fn from_str(word: &str) -> Result<CsvDialect, String> {
        match word {
            "rfc4180" => Ok(CsvDialect::Rfc4180),
            "mysql" => Ok(CsvDialect::Mysql),
            other => Err(format!("`{other}` is neither `rfc4180` nor `mysql`")),
        }
    }
}

/// Where a record has a backslash that the server could have written as an escape, and what to say then. The server
/// escapes backslashes, quotes, separators, line ends and NULs, and nothing else: `C:\dir` is none of its texts.
pub(crate) fn doubt(record: &[u8]) -> Option<(usize, String)> {
    let is_escape = |at: &usize| {
        record[*at] == b'\\'
            && matches!(record.get(at + 1), None | Some(b'\\' | b'"' | b',' | b'\n' | b'\r' | b'0'))
    };
    let offset = (0..record.len()).find(is_escape)?;
    let why = "a backslash that is either an escape of MySQL's (INTO OUTFILE) or a character: say --csv-dialect mysql, or \
        --csv-dialect rfc4180";
    Some((offset, why.to_owned()))
}

/// The fields of a record of the server's.
pub(crate) fn mysql_fields(text: &str) -> Fields {
    let mut fields = Vec::new();
    let mut offset = 0;
    loop {
        let rest = &text[offset..];
        let quoted = rest.strip_prefix('"');
        let (value, length) = match quoted {
            Some(inside) => until(inside, true).map(|(value, length)| (value, length + 2)),
            None => until(rest, false),
        }
        .map_err(|(at, why)| (offset + at, why.to_owned()))?;
        let written = &rest[..length];
        // Its own way to write NULL without escapes is the bare word.
        let is_null = written == NULL || written == "\"\\N\"" || written == "NULL";
        fields.push(Field { value: if is_null { Param::Null } else { Param::Text(value) }, offset });
        offset += length;
        match text.as_bytes().get(offset) {
            None => return Ok(fields),
            Some(b',') => offset += 1,
            Some(_) => return Err((offset, AFTER_QUOTE.to_owned())),
        }
    }
}

/// A field's value up to its end, and the length of its text without quotes.
fn until(text: &str, quoted: bool) -> Result<(String, usize), (usize, &'static str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, escaped)) => value.push(unescaped(escaped)),
                None => return Err((at, "backslash at the end, with nothing that it escapes")),
            },
            '"' if quoted => match characters.next_if(|(_, next)| *next == '"') {
                Some(_) => value.push('"'),
                None => return Ok((value, at)),
            },
            '"' => return Err((at, QUOTE_INSIDE)),
            ',' if !quoted => return Ok((value, at)),
            '\r' if !quoted => return Err((at, RETURN_INSIDE)),
            plain => value.push(plain),
        }
    }
    if quoted { Err((0, NEVER_CLOSED)) } else { Ok((value, text.len())) }
}

/// As LOAD DATA takes it.
fn unescaped(escaped: char) -> char {
    match escaped {
        '0' => '\0',
        'b' => '\u{8}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'Z' => '\u{1a}',
        other => other,
    }
}
