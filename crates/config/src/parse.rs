//! Parsers of single values. `None` means a bad value; what a good one looks like is the variable's `form`.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use queryfleet_sql::Kind;

use crate::{Secret, parse_duration};

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Shorter keys can be guessed from one signed message, offline.
const MIN_SIGNING_KEY_BYTES: usize = 16;

/// Reads the name of a queue: 1 to 100 ASCII letters, digits, `.`, `_`, `-`. Not a name whose work queue would be
/// another queue's dead queue (`….dead`) or retry tier (`….retry.…`). `None` for anything else.
pub fn parse_queue(text: &str) -> Option<String> {
    let is_length = (1..=100).contains(&text.len());
    let is_spelt = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let is_taken = text.ends_with(".dead") || text.contains(".retry.");
    (is_length && is_spelt && !is_taken).then(|| text.to_owned())
}

pub(crate) fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// An address; `Some(None)` for `off`.
pub(crate) fn address(text: &str) -> Option<Option<SocketAddr>> {
    if text == "off" { Some(None) } else { text.parse().ok().map(Some) }
}

pub(crate) fn number<T: FromStr + PartialOrd>(range: RangeInclusive<T>) -> impl FnOnce(&str) -> Option<T> {
    move |text| text.parse().ok().filter(|number| range.contains(number))
}

pub(crate) fn log_format(text: &str) -> Option<LogFormat> {
    match text {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    }
}

pub(crate) fn retry_tiers(text: &str) -> Option<Vec<Duration>> {
    let tiers: Vec<Duration> =
        text.split(',').map(|tier| parse_duration(tier.trim())).collect::<Option<_>>()?;
    tiers.is_sorted_by(|a, b| a < b).then_some(tiers)
}

pub(crate) fn kinds(text: &str) -> Option<Vec<Kind>> {
    text.split(',').map(|kind| kind.trim().to_ascii_lowercase().parse().ok()).collect()
}

pub(crate) fn signing_keys(text: &str) -> Option<Vec<Secret>> {
    let key = |text: &str| (text.len() >= MIN_SIGNING_KEY_BYTES).then(|| Secret::new(text));
    text.split(',').map(|text| key(text.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_has_a_plain_name() {
        let longest = "q".repeat(100);
        for name in ["default", "A-1_b.c", "dead", "retry", "x.retry", longest.as_str()] {
            assert_eq!(parse_queue(name).as_deref(), Some(name));
        }
        let too_long = "q".repeat(101);
        for name in ["", "a b", "a/b", "é", "x.dead", "x.retry.1s", too_long.as_str()] {
            assert_eq!(parse_queue(name), None, "{name}");
        }
    }

    #[test]
    fn a_number_is_within_its_range() {
        assert_eq!(number(1..=1024)("1024"), Some(1024));
        for text in ["0", "1025", "-1", "4.0", "four", " 4", "99999999999999999999"] {
            assert_eq!(number(1..=1024)(text), None, "{text}");
        }
    }

    #[test]
    fn retry_tiers_grow() {
        let seconds = |list: &[u64]| Some(list.iter().map(|s| Duration::from_secs(*s)).collect::<Vec<_>>());
        assert_eq!(retry_tiers("1s,10s, 1m"), seconds(&[1, 10, 60]));
        assert_eq!(retry_tiers("5s"), seconds(&[5]));
        for text in ["1s,1s", "1m,60s", "10s,1s", "1s,", "1,10", ","] {
            assert_eq!(retry_tiers(text), None, "{text}");
        }
    }

    #[test]
    fn kinds_are_known_words_in_any_case() {
        assert_eq!(kinds("UPDATE, delete"), Some(vec![Kind::Update, Kind::Delete]));
        for text in ["update,", "update,delte", "update delete"] {
            assert_eq!(kinds(text), None, "{text}");
        }
    }

    #[test]
    fn a_short_signing_key_is_refused_beside_a_long_one() {
        assert_eq!(signing_keys("0123456789abcdef,0123456789abcdeF").unwrap().len(), 2);
        assert_eq!(signing_keys("0123456789abcdef,short"), None);
        assert_eq!(signing_keys("0123456789abcde "), None);
    }
}
