//! Reading a process's metrics as Prometheus does.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long a process on this machine may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// An answer to a GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status; 0 if the answer has none.
    pub status: u16,
    /// What follows the headers.
    pub body: String,
}

/// GETs `path` from `address`, which is `host:port`.
///
/// # Errors
/// Returns an error if nobody answers within 10 s, or not in UTF-8.
pub fn get(address: &str, path: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Ok(Answer { status, body: body.to_owned() })
}

/// The sum of all samples of the series `name` whose labels contain all of `labels`, such as `outcome="done"`.
pub fn sum(metrics: &str, name: &str, labels: &[&str]) -> f64 {
    let value_of = |line: &str| {
        let (series, value) = line.strip_prefix(name)?.rsplit_once(' ')?;
        let is_series = series.is_empty() || series.starts_with('{');
        (is_series && labels.iter().all(|label| series.contains(label))).then(|| value.parse::<f64>().ok())?
    };
    metrics.lines().filter_map(value_of).sum()
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn slots_are_added_up_and_other_series_left_out() {
        let metrics = r#"# HELP jobs_total Attempts at jobs that ended, by how they ended.
jobs_total{outcome="done",slot="1"} 3
jobs_total{outcome="done",slot="2"} 4
jobs_total{outcome="ended_before",slot="2"} 1
jobs_total_more{outcome="done"} 100
up 1
"#;
        assert_eq!(sum(metrics, "jobs_total", &[r#"outcome="done""#]), 7.0);
        assert_eq!(sum(metrics, "jobs_total", &[r#"outcome="done""#, r#"slot="2""#]), 4.0);
        assert_eq!(sum(metrics, "jobs_total", &[]), 8.0);
        assert_eq!(sum(metrics, "up", &[]), 1.0);
        assert_eq!(sum(metrics, "none", &[]), 0.0);
    }
}
