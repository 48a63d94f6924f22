//! Which dead jobs an input names: those whose marks an export has written, in comments of a script or in the `comment` of
//! NDJSON.

use std::io::{BufRead, Read};

use serde::Deserialize;

#[derive(Deserialize)]
struct Commented {
    comment: String,
}

/// The seq of each mark, and what begins with the name of its run. Of a line that is longer than `limit` bytes only the
/// start is read.
///
/// # Errors
/// If reading fails.
pub(crate) fn read(mut bytes: impl BufRead, limit: usize) -> std::io::Result<Vec<(u64, String)>> {
    let mut marks = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut bytes).take(limit as u64).read_until(b'\n', &mut line)? == 0 {
            return Ok(marks);
        }
        if line.last() != Some(&b'\n') {
            bytes.skip_until(b'\n')?;
        }
        marks.extend(mark(String::from_utf8_lossy(&line).trim()));
    }
}

fn mark(line: &str) -> Option<(u64, String)> {
    let commented: Commented;
    let comment = match line.strip_prefix("-- ") {
        Some(comment) => comment,
        None if line.starts_with('{') => {
            commented = serde_json::from_str(line).ok()?;
            &commented.comment
        }
        None => return None,
    };
    queryfleet_job::read_job_mark(comment).map(|(seq, run)| (seq, run.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_in_comments() {
        let text = "-- Repair, then:\n-- job 3 of run a, f.sql:1:1: error\r\nDO 'job 4 of run a';\n\
            \n  -- job 5 of run a\n/* job 6 of run a */ -- job 7 of run a\n{\"sql\":\"DO 1\",\"comment\":\"job 8 of run b: x\"}\n\
            {\"sql\":\"DO 1\"}\n{\"comment\":9}\n-- job 10 of run a";
        let marks = read(text.as_bytes(), 1000).unwrap();
        let seqs: Vec<u64> = marks.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(seqs, [3, 5, 8, 10], "{marks:?}");
        assert_eq!(marks[2].1, "b: x");
        let long = format!("{}\n-- job 2 of run a\n", "x".repeat(100));
        assert_eq!(read(long.as_bytes(), 30).unwrap(), [(2, "a".to_owned())]);
    }
}
