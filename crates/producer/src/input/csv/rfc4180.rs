//! The fields of a CSV record as in RFC 4180.

use queryfleet_job::Param;

/// NULL, where it stands without quotes.
pub(crate) const NULL: &str = r"\N";

/// A field and the byte of its record at which it begins.
pub(crate) struct Field {
    pub(crate) value: Param,
    pub(crate) offset: usize,
}

impl Field {
    /// Whether it is the word that MySQL's dialect reads as NULL; `text` is its record.
    pub(crate) fn is_bare_null(&self, text: &str) -> bool {
        matches!(&self.value, Param::Text(value) if value == "NULL") && !text[self.offset..].starts_with('"')
    }
}

/// What can be wrong with a field, in both dialects.
pub(crate) const NEVER_CLOSED: &str = "quote is never closed";
pub(crate) const AFTER_QUOTE: &str = "text after a closing quote: write a quote in a field as \"\"";
pub(crate) const QUOTE_INSIDE: &str =
    "quote in a field without quotes: put all of it in quotes, this one as \"\"";
pub(crate) const RETURN_INSIDE: &str = "carriage return in a field without quotes: end lines with LF or CR LF, and put a \
    field that holds one in quotes";

/// Fields, or what is wrong with a record at which byte.
pub(crate) type Fields = Result<Vec<Field>, (usize, String)>;

/// The fields of a record, or what is wrong with it at which byte.
pub(crate) fn fields(text: &str) -> Fields {
    let mut fields = Vec::new();
    let mut offset = 0;
    loop {
        let rest = &text[offset..];
        let (value, length) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (value, length) = unquoted(quoted).ok_or((offset, NEVER_CLOSED.to_owned()))?;
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
                return Err((offset, AFTER_QUOTE.to_owned()));
            }
        }
    }
}

/// A field without quotes, and its length.
fn plain(text: &str) -> Result<(Param, usize), (usize, String)> {
    let field = text.split(',').next().unwrap_or_default();
    match field.find('"') {
        Some(at) => Err((at, QUOTE_INSIDE.to_owned())),
        // A line end of a kind that parts no records, most often.
        None if field.contains('\r') => Err((field.find('\r').unwrap_or(0), RETURN_INSIDE.to_owned())),
        None if field == NULL => Ok((Param::Null, field.len())),
        None => Ok((Param::Text(field.to_owned()), field.len())),
    }
}

/// What stands before the closing quote, and the length with that quote; `None` when there is none.
fn unquoted(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut from = 0;
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
