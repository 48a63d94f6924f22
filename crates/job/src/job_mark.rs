//! What an export of dead jobs writes beside each of them, and a publish reads again: `job 17 of run nightly`.

/// The mark of a job.
pub fn job_mark(run: &str, seq: u64) -> String {
    format!("job {seq} of run {run}")
}

/// The job that a text marks, and what begins with the name of its run; `None` for a text that marks none.
pub fn read_job_mark(text: &str) -> Option<(u64, &str)> {
    let (seq, run) = text.strip_prefix("job ")?.split_once(" of run ")?;
    let is_number = seq.bytes().all(|byte| byte.is_ascii_digit());
    Some((seq.parse().ok().filter(|_| is_number)?, run))
}

/// Whether what [`read_job_mark`] has found begins with this name: what follows is set off.
pub fn marks_run(found: &str, run: &str) -> bool {
    found.strip_prefix(run).is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with([',', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        for run in ["job", "of run x", "a, b: c", "17"] {
            for rest in ["", ", a.sql:1:1: error 1062", ": error", "\r"] {
                let text = format!("{}{rest}", job_mark(run, 17));
                let (seq, found) = read_job_mark(&text).unwrap_or_default();
                assert!(seq == 17 && marks_run(found, run), "{run}{rest}");
            }
        }
        assert!(!marks_run("jobs", "job") && !marks_run("job2, x", "job"));
        for other in ["job of run x", "job +1 of run x", "job 1 of 2", "a job 1 of run x", "job  of run x"] {
            assert_eq!(read_job_mark(other), None, "{other}");
        }
    }
}
