//! Recognising by its first bytes what is no input: a file under another name, in another encoding, or of another program.

use std::io::{Cursor, Read};
use std::path::Path;

/// Bytes of an input that are looked at; the sign of a tar archive stands at 257.
const HEAD_BYTES: usize = 1024;

/// Files that begin with these bytes, and what to do with them.
const MAGICS: [(&[u8], &str); 23] = [
    (b"\x1f\x8b", "is compressed with gzip: give it a name that ends in .gz, or pipe it through gzip -dc"),
    (
        b"\x28\xb5\x2f\xfd",
        "is compressed with zstd: give it a name that ends in .zst, or pipe it through zstd -dc",
    ),
    (b"\xfd7zXZ\0", "is compressed with xz: pipe it through xz -dc, with `-` as the input"),
    (b"\x5d\0\0", "is compressed with lzma: pipe it through xz -dc, with `-` as the input"),
    (b"BZh", "is compressed with bzip2: pipe it through bzip2 -dc, with `-` as the input"),
    (b"\x04\x22\x4d\x18", "is compressed with lz4: pipe it through lz4 -dc, with `-` as the input"),
    (b"\x1f\x9d", "is compressed with compress: pipe it through gzip -dc, with `-` as the input"),
    (b"\x89LZO", "is compressed with lzop: pipe it through lzop -dc, with `-` as the input"),
    (
        b"PK\x03\x04",
        "is a zip archive, or a spreadsheet: pipe one file of it through unzip -p, with `-` as the input",
    ),
    (b"PK\x05\x06", "is an empty zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it"),
    (b"Rar!\x1a\x07", "is a rar archive: unpack it"),
    (b"REDIS0", "is a dump of Redis, which holds no SQL"),
    (b"PGDMP", "is a dump of PostgreSQL's, which is not for this server"),
    (
        b"\xfebin",
        "is a binary log: mariadb-binlog writes it as text, which the client has to run in its order",
    ),
    (b"XBSTCK01", "is a backup of mariadb-backup's: restore it with that"),
    (b"\xfe\xfe\x07", "is a file of a MyISAM table: copy its rows out with mariadb-dump"),
    (b"\xfe\x01", "is the definition of a table (.frm): copy its rows out with mariadb-dump"),
    (b"%PDF-", "is a PDF"),
    (b"\x7fELF", "is a program"),
    (b"Salted__", "is encrypted: decrypt it, and pipe it in with `-` as the input"),
    (b"-----BEGIN PGP", "is encrypted: decrypt it, and pipe it in with `-` as the input"),
    (b"age-encryption.org", "is encrypted: decrypt it, and pipe it in with `-` as the input"),
];

/// Files of rows that begin with these bytes.
const MAGICS_OF_ROWS: [(&[u8], &str); 3] = [
    (b"SQLite format 3\0", "is a database of SQLite: export its rows as CSV, for a template"),
    (b"PAR1", "is a Parquet file: convert it to CSV, for a template"),
    (b"Obj\x01", "is an Avro file: convert it to CSV, for a template"),
];

/// What text in UTF-16 and UTF-32 begins with.
const ENCODING_MARKS: [(&[u8], &str); 4] = [
    (b"\xff\xfe\0\0", "UTF-32LE"),
    (b"\0\0\xfe\xff", "UTF-32BE"),
    (b"\xff\xfe", "UTF-16LE"),
    (b"\xfe\xff", "UTF-16BE"),
];

/// What an input is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// SQL.
    Script,
    /// A job a line.
    Ndjson,
    /// Rows for a template.
    Rows,
    /// What is decompressed first, by this name's end.
    Compressed(&'static str),
}

/// An input whose first bytes were looked at, from its start.
pub(crate) type Rewound<R> = std::io::Chain<Cursor<Vec<u8>>, R>;

/// The first bytes of an input, and all of it.
///
/// # Errors
/// Returns an error if reading fails.
pub(crate) fn read_head<R: Read>(mut bytes: R) -> std::io::Result<(Vec<u8>, Rewound<R>)> {
    let mut first = Vec::with_capacity(HEAD_BYTES);
    (&mut bytes).take(HEAD_BYTES as u64).read_to_end(&mut first)?;
    Ok((first.clone(), Cursor::new(first).chain(bytes)))
}

/// Whether text that begins with these bytes is NDJSON: no statement, and no name of a column, begins with `{`.
pub(crate) fn begins_an_object(first: &[u8]) -> bool {
    first.strip_prefix("\u{feff}".as_bytes()).unwrap_or(first).trim_ascii_start().starts_with(b"{")
}

/// Why a file that begins with these bytes is no such input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// What it is, and what to do.
    pub(crate) what: String,
    /// Whether it is, or can become, the rows of a template.
    pub(crate) suits_rows: bool,
}

impl Foreign {
    pub(crate) fn new(what: impl Into<String>) -> Foreign {
        Foreign { what: what.into(), suits_rows: false }
    }

    fn rows(what: &str) -> Foreign {
        Foreign { what: what.to_owned(), suits_rows: true }
    }
}

/// Why a file that begins with these bytes is no such input; `None` for what may be one.
pub(crate) fn foreign(first: &[u8], expected: Expected) -> Option<Foreign> {
    if let Expected::Compressed(end) = expected {
        return foreign_compression(first, end);
    }
    if let Some((_, what)) = MAGICS.iter().find(|(magic, _)| first.starts_with(magic)) {
        return Some(Foreign::new(*what));
    }
    if let Some((_, what)) = MAGICS_OF_ROWS.iter().find(|(magic, _)| first.starts_with(magic)) {
        return Some(Foreign::rows(what));
    }
    if let Some(name) = encoding(first) {
        return Some(Foreign::new(format!("is text in {name}: convert it, with iconv -f {name} -t UTF-8")));
    }
    foreign_binary(first).map(Foreign::new).or_else(|| foreign_text(first, expected))
}

/// The same for a file whose name ends like a compressed one's.
fn foreign_compression(first: &[u8], end: &str) -> Option<Foreign> {
    let magic: &[u8] = if end == ".gz" { b"\x1f\x8b" } else { b"\x28\xb5\x2f\xfd" };
    if first.starts_with(magic) || first.is_empty() {
        return None;
    }
    let instead = match foreign(first, Expected::Script) {
        Some(found) => format!(", it {}", found.what),
        None => ": give it a name that says what it is".to_owned(),
    };
    Some(Foreign::new(format!("has a name that ends in {end} and is not compressed so{instead}")))
}

/// The encoding of text that is not in bytes, by its mark or by the zeros in it.
fn encoding(first: &[u8]) -> Option<&'static str> {
    if let Some((_, name)) = ENCODING_MARKS.iter().find(|(mark, _)| first.starts_with(mark)) {
        return Some(name);
    }
    let head = &first[..first.len().min(64)];
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let even = zeros(0);
    let odd = zeros(1);
    // Of a short text too; SQL has its letters from ASCII.
    let most = head.len() / 2;
    match most {
        0..=2 => None,
        _ if odd * 4 >= most * 3 && even == 0 => Some("UTF-16LE"),
        _ if even * 4 >= most * 3 && odd == 0 => Some("UTF-16BE"),
        _ => None,
    }
}

fn foreign_binary(first: &[u8]) -> Option<&'static str> {
    if first.get(257..262) == Some(b"ustar") {
        return Some("is a tar archive: pipe one file of it through tar -xO, with `-` as the input");
    }
    // Page 0 of a tablespace: its number, its type, and the tablespace's number twice.
    let is_page = first.get(4..8) == Some(&[0; 4])
        && first.get(24..26) == Some(&[0, 8])
        && first.len() > 42
        && first[34..38] == first[38..42];
    if is_page {
        return Some("is a tablespace of InnoDB (.ibd): copy its rows out with mariadb-dump");
    }
    let rest = first.iter().filter(|byte| byte.is_ascii_control() && !b"\t\n\x0b\x0c\r\x1a".contains(byte));
    let odd = rest.count();
    (first.contains(&0) && odd * 4 > first.len() && std::str::from_utf8(first).is_err())
        .then_some("is no text: a script is SQL in UTF-8")
}

/// Text of another kind than it is read as.
fn foreign_text(first: &[u8], expected: Expected) -> Option<Foreign> {
    let first = first.strip_prefix("\u{feff}".as_bytes()).unwrap_or(first).trim_ascii_start();
    let starts =
        |with: &str| first.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()));
    let json = first.strip_prefix(b"{").is_some_and(|rest| {
        let rest = rest.trim_ascii_start();
        rest.starts_with(b"\"") || rest.starts_with(b"}")
    });
    let array = first.starts_with(b"[");
    match expected {
        _ if starts("<!doctype html") || starts("<html") => {
            Some(Foreign::new("is a page of HTML: what should have been downloaded may have been refused"))
        }
        _ if starts("<?xml") => {
            Some(Foreign::rows("is XML: use LOAD XML, or convert it to CSV, for a template"))
        }
        Expected::Script if json => Some(Foreign::rows(
            "is JSON: give it a name that ends in .ndjson if each line is a job; if each line is a row, give a template \
             for the rows",
        )),
        Expected::Script if array => Some(Foreign::new(
            "is a JSON array: write one object per line, with jq -c '.[]', and pipe that in or name it .ndjson",
        )),
        Expected::Ndjson | Expected::Rows if array => {
            Some(Foreign::new("is a JSON array: write one object per line, with jq -c '.[]'"))
        }
        Expected::Script if is_header(first) => Some(Foreign::rows(
            "is a table of values: give a template, a statement to run for each of its rows",
        )),
        _ => None,
    }
}

/// Whether it begins with a line of names with a comma, a semicolon or a tab between them.
fn is_header(first: &[u8]) -> bool {
    let line = first.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let Some(separator) = line.iter().find(|byte| matches!(byte, b',' | b';' | b'\t')) else { return false };
    let is_name = |name: &[u8]| {
        let inner = name.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(name);
        !inner.is_empty()
            && inner.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    // A statement is one word at least, and a `;` may stand behind that.
    let names: Vec<&[u8]> = line.split(|byte| byte == separator).collect();
    let more = first.len() > line.len() + 1;
    more && names.len() > 1 && names.iter().all(|name| is_name(name))
}

/// Why a folder is no input.
pub(crate) fn foreign_folder(path: &Path) -> &'static str {
    if path.join("metadata").is_file() {
        return "is a folder, of mydumper it seems: give its files of rows, which are DIR/*.sql without those with -schema";
    }
    "is a folder: give the files in it, in their order"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_input_is_taken() {
        for (first, expected) in [
            (&b"UPDATE t SET a = 1"[..], Expected::Script),
            (b"", Expected::Script),
            (b";", Expected::Script),
            (b"commit;\nrollback;\n", Expected::Script),
            (b"\xef\xbb\xbfSELECT 1", Expected::Script),
            (b"INSERT INTO t VALUES ('\0\0\x01\xff\0\0')", Expected::Script),
            (b"{\"sql\": \"DO 1\"}", Expected::Ndjson),
            (b"{\"a\": 1}", Expected::Rows),
            (b"a,b\n1,2\n", Expected::Rows),
            (b"\x1f\x8b\x08", Expected::Compressed(".gz")),
            ("größe,b\n".as_bytes(), Expected::Rows),
        ] {
            assert_eq!(foreign(first, expected), None, "{first:?}");
        }
    }

    #[test]
    fn what_is_none_is_told_with_what_to_do() {
        let wide = |text: &str, low: bool| -> Vec<u8> {
            let bytes = |unit: u16| if low { unit.to_le_bytes() } else { unit.to_be_bytes() };
            text.encode_utf16().flat_map(bytes).collect()
        };
        let mut page = vec![7; 4096];
        page[4..8].fill(0);
        page[24..26].copy_from_slice(&[0, 8]);
        let mut tar = vec![0; 600];
        tar[..5].copy_from_slice(b"a.sql");
        tar[257..262].copy_from_slice(b"ustar");
        for (first, expected, says) in [
            (b"\x1f\x8b\x08".to_vec(), Expected::Script, ".gz"),
            (b"\xfd7zXZ\0".to_vec(), Expected::Ndjson, "xz -dc"),
            (b"BZh91AY".to_vec(), Expected::Script, "bzip2 -dc"),
            (b"PK\x03\x04".to_vec(), Expected::Rows, "unzip -p"),
            (wide("\u{feff}UPDATE t", true), Expected::Script, "iconv -f UTF-16LE"),
            (wide("\u{feff}UPDATE t", false), Expected::Script, "iconv -f UTF-16BE"),
            (wide("UPDATE t SET a = 'é'", true), Expected::Script, "iconv -f UTF-16LE"),
            (wide("a,b\n1,2", false), Expected::Rows, "iconv -f UTF-16BE"),
            (b" {\"sql\": \"DO 1\"}".to_vec(), Expected::Script, ".ndjson"),
            (b"\xef\xbb\xbf[{\"sql\": 1}]".to_vec(), Expected::Script, "jq -c"),
            (b"[{\"sql\": 1}]".to_vec(), Expected::Ndjson, "jq -c"),
            (b"id,email\r\n1,a@b\r\n".to_vec(), Expected::Script, "a template"),
            (b"\"id\";\"email\"\n1;2".to_vec(), Expected::Script, "a template"),
            (b"SQLite format 3\0\x10".to_vec(), Expected::Script, "SQLite"),
            (b"REDIS0011\xfa".to_vec(), Expected::Script, "Redis"),
            (page[..HEAD_BYTES].to_vec(), Expected::Script, "InnoDB"),
            (tar, Expected::Script, "tar -xO"),
            (b"<!DOCTYPE html><html>".to_vec(), Expected::Rows, "HTML"),
            (vec![0xff, 0, 1, 2, 3, 0, 0, 4, 200], Expected::Script, "no text"),
            (b"DO 1;".to_vec(), Expected::Compressed(".gz"), "says what it is"),
            (b"BZh91AY".to_vec(), Expected::Compressed(".zst"), "bzip2 -dc"),
        ] {
            let said = foreign(&first, expected).map(|found| found.what).unwrap_or_default();
            assert!(said.contains(says), "{first:?}: {said}");
        }
    }
}
