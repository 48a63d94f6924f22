//! CSV as MySQL and MariaDB write it (`INTO OUTFILE … FIELDS TERMINATED BY ',' ENCLOSED BY '"'`, `mysqldump --tab`), with
//! backslashes as escapes, and what tells it from RFC 4180, where a backslash is a character like any other.

use queryfleet_job::Param;

use crate::input::csv::rfc4180::{
    AFTER_QUOTE, Field, Fields, NEVER_CLOSED, NULL, QUOTE_INSIDE, RETURN_INSIDE,
};

/// The first byte of a record at which a backslash stands that the server could have written as an escape. The server
/// escapes backslashes, quotes, separators, line ends and NULs, and nothing else: `C:\dir` is none of its texts.
pub(crate) fn ambiguous_backslash(record: &[u8]) -> Option<usize> {
    (0..record.len()).find(|at| {
        record[*at] == b'\\'
            && matches!(record.get(at + 1), None | Some(b'\\' | b'"' | b',' | b'\n' | b'\r' | b'0'))
    })
}

/// The fields of a record that the server has written, or what is wrong with it at which byte.
pub(crate) fn fields(text: &str) -> Fields {
    let mut fields = Vec::new();
    let mut offset = 0;
    loop {
        let rest = &text[offset..];
        let (value, length) = match rest.strip_prefix('"') {
            Some(inside) => field(inside, true).map(|(value, length)| (value, length + 2)),
            None => field(rest, false),
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
fn field(text: &str, quoted: bool) -> Result<(String, usize), (usize, &'static str)> {
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

/// The character that LOAD DATA reads for an escaped one.
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
