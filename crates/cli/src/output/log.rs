//! Where log lines go: to standard error, best effort, and each of a length that a log can live with.

use std::borrow::Cow;
use std::io::{Error, Write};

use queryfleet_config::LogFormat;
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use super::{escape, stderr};

/// The longest line as it is. What others say is bounded where it comes in; this is the last net.
const LONGEST_LINE_BYTES: usize = 16 << 10;
/// What is kept of the head of a longer one, and of a longer string in JSON.
const HEAD_BYTES: usize = 8 << 10;
/// What is kept of its tail: the fields behind a long one.
const TAIL_BYTES: usize = 2 << 10;

/// Takes one whole line at a time, which is how the layer writes.
#[derive(Clone, Copy)]
pub(crate) struct Log(pub(crate) LogFormat);

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        *self
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let text = String::from_utf8_lossy(bytes);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = match self.0 {
            LogFormat::Text => escape::line(&cut(line, HEAD_BYTES, TAIL_BYTES)).into_owned(),
            LogFormat::Json => escape::json(&short_json(line)).into_owned(),
        };
        stderr::send(line + "\n");
        // An error could only be told to whoever cannot be told.
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// The text without its middle when it is too long.
fn cut(text: &str, head: usize, tail: usize) -> Cow<'_, str> {
    if text.len() <= LONGEST_LINE_BYTES {
        return text.into();
    }
    let is_boundary = |at: &usize| text.is_char_boundary(*at);
    let head = (0..=head).rev().find(is_boundary).unwrap_or_default();
    let tail = (text.len() - tail..).find(is_boundary).unwrap_or(text.len());
    format!("{} … {} bytes left out … {}", &text[..head], tail - head, &text[tail..]).into()
}

fn short_json(line: &str) -> Cow<'_, str> {
    if line.len() <= LONGEST_LINE_BYTES {
        return line.into();
    }
    match serde_json::from_str(line) {
        Ok(mut value) => {
            shorten(&mut value);
            value.to_string().into()
        }
        // The layer writes JSON only.
        Err(_) => cut(line, HEAD_BYTES, TAIL_BYTES),
    }
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(short) = cut(text, HEAD_BYTES, 0) {
                *text = short;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_keeps_its_head_and_its_tail() {
        let line = format!("attempt failed error={} count=1", "é".repeat(5_000_000));
        let kept = cut(&line, HEAD_BYTES, TAIL_BYTES);
        assert!(kept.len() < LONGEST_LINE_BYTES, "{}", kept.len());
        assert!(kept.starts_with("attempt failed error=é") && kept.ends_with("é count=1"), "{kept}");
        assert!(kept.contains(" bytes left out … "), "{kept}");
        assert_eq!(cut("short", HEAD_BYTES, TAIL_BYTES), "short");
    }

    #[test]
    fn a_long_line_of_json_stays_json() {
        let long = "\"".repeat(5_000_000);
        let line =
            serde_json::json!({ "level": "INFO", "error": long, "spans": [long], "count": 1 }).to_string();
        let kept = short_json(&line);
        assert!(kept.len() < 4 * LONGEST_LINE_BYTES, "{}", kept.len());
        let value: Value = serde_json::from_str(&kept).unwrap();
        assert_eq!((&value["level"], &value["count"]), (&"INFO".into(), &1.into()));
    }
}
