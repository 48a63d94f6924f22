//! What a person allows the whole fleet of a queue: one row, which every worker reads.

use serde::{Deserialize, Serialize};

use crate::Signer;

/// The limit of a queue. Default: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// At most so many slots of all workers together have a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// At most so many jobs begin per second on all workers together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// The lag of each replica, in seconds, at which no job begins any more; below it the slots are as many as the replicas
    /// bear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_lag: Option<f64>,
    /// The replicas that are not looked at, as host:port.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// The loads at which no job begins any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub max_load: Vec<Threshold>,
    /// The loads at which the queue is held until a person lifts the hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub critical_load: Vec<Threshold>,
    /// A query whose one value is above 0 when no job may begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle_query: Option<String>,
    /// A URL that answers 200 while jobs may begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle_http: Option<String>,
    /// The hours in which jobs begin, as [`Window`](crate::Window) reads them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// So many seconds before their end no job begins any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_margin: Option<u32>,
    /// Until then the checks restrict nothing: UTC, as `YYYY-MM-DD HH:MM:SS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_until: Option<String>,
}

/// A value of the server and its limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// A status variable of the server, or [`OTHERS_RUNNING`].
    pub variable: String,
    /// At or above this value it is too much.
    pub limit: f64,
}

/// `Threads_running` without the sessions of queryfleet, of any queue.
pub const OTHERS_RUNNING: &str = "others_running";

/// Why the limit of a queue cannot be obeyed. Nothing begins then: it may be a strict one.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// A newer program has written it, or it was changed by hand.
    #[error("the limit has something that this version does not know")]
    Unknown(#[source] serde_json::Error),
    /// Its window is none.
    #[error("the window of the limit cannot be read")]
    Window(#[from] crate::WindowError),
    /// It was written without the key, or for another queue, or the text was changed.
    #[error("the limit has no signature of a key of QUERYFLEET_SIGNING_KEY")]
    NotSigned,
}

impl Limit {
    /// As the row has it: JSON.
    pub fn encode(&self) -> String {
        // Numbers and absent values only: serde_json has no reason to fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what the row has.
    ///
    /// # Errors
    /// If it is not signed where there are keys, or holds what this version does not know.
    pub fn read(
        queue: &str,
        version: u32,
        text: &str,
        signature: Option<&str>,
        signer: Option<&Signer>,
    ) -> Result<Limit, LimitError> {
        if let Some(signer) = signer
            && !signature.is_some_and(|signature| signer.verify_limit(queue, version, text, signature))
        {
            return Err(LimitError::NotSigned);
        }
        let limit: Limit = serde_json::from_str(text).map_err(LimitError::Unknown)?;
        limit.window()?;
        Ok(limit)
    }

    /// The hours in which jobs begin; `None`: all.
    ///
    /// # Errors
    /// If the text is no window.
    pub fn window(&self) -> Result<Option<crate::Window>, crate::WindowError> {
        self.window.as_deref().map(str::parse).transpose()
    }

    /// Whether there is anything to check, so that one of the workers has to do it.
    pub fn has_checks(&self) -> bool {
        self.max_lag.is_some()
            || !self.max_load.is_empty()
            || !self.critical_load.is_empty()
            || self.throttle_query.is_some()
            || self.throttle_http.is_some()
    }

    /// Whether it checks what another one does, against the same limits.
    pub fn has_same_checks(&self, other: &Limit) -> bool {
        let checks = |limit: &Limit| Limit {
            slots: None,
            rate: None,
            window: None,
            window_margin: None,
            ignore_until: None,
            ..limit.clone()
        };
        checks(self) == checks(other)
    }

    /// Whether it allows everything.
    pub fn is_none(&self) -> bool {
        *self == Limit::default()
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let slots = self.slots.map(|slots| format!("{slots} slot{}", if slots == 1 { "" } else { "s" }));
        let rate = self.rate.map(|rate| format!("{rate} jobs/s"));
        let lag = self.max_lag.map(|lag| format!("a lag below {lag} s"));
        let mut parts: Vec<String> = [slots, rate, lag].into_iter().flatten().collect();
        parts.extend(self.max_load.iter().map(|load| format!("{} below {}", load.variable, load.limit)));
        parts.extend(
            self.critical_load.iter().map(|load| format!("held at {} {}", load.variable, load.limit)),
        );
        parts.extend(self.throttle_query.as_ref().map(|_| "a throttle query".to_owned()));
        parts.extend(self.throttle_http.as_ref().map(|_| "an HTTP check".to_owned()));
        parts.extend(self.window.as_ref().map(|window| {
            let margin = self.window_margin.map(|margin| format!(" until {margin} s before its end"));
            format!("window {window}{}", margin.unwrap_or_default())
        }));
        parts.extend(self.ignore_until.as_ref().map(|until| format!("checks ignored until {until} UTC")));
        f.write_str(if parts.is_empty() { "none" } else { "" })?;
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else_is_obeyed() {
        let limit = Limit { slots: Some(40), rate: Some(0.5), ..Limit::default() };
        assert_eq!(Limit::read("q", 3, &limit.encode(), None, None).unwrap(), limit);
        assert_eq!(Limit::read("q", 3, "{}", None, None).unwrap(), Limit::default());
        assert!(matches!(
            Limit::read("q", 3, r#"{"slots":1,"moon":2}"#, None, None),
            Err(LimitError::Unknown(_))
        ));
        let signer = Signer::new([b"a key of the tests".as_slice()]).unwrap();
        let text = limit.encode();
        let signature = signer.sign_limit("q", 3, &text);
        let read = |queue, version, text: &str, signature| {
            Limit::read(queue, version, text, signature, Some(&signer)).ok()
        };
        assert_eq!(read("q", 3, &text, Some(&signature)), Some(limit));
        for (queue, version, text) in [("r", 3, &*text), ("q", 4, &text), ("q", 3, "{}")] {
            assert_eq!(read(queue, version, text, Some(&signature)), None);
        }
        assert_eq!(read("q", 3, &text, None), None);
    }

    #[test]
    fn it_is_said_in_a_few_words() {
        for (slots, rate, said) in [
            (None, None, "none"),
            (Some(1), None, "1 slot"),
            (Some(40), Some(500.0), "40 slots, 500 jobs/s"),
            (None, Some(0.5), "0.5 jobs/s"),
        ] {
            assert_eq!(Limit { slots, rate, ..Limit::default() }.to_string(), said);
        }
    }
}
