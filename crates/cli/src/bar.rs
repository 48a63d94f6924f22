//! Progress on standard error: a bar for a terminal, plain lines every few seconds for everything else. Under it the
//! reason why nothing moves, if something is known to be one.

use std::fmt::Write;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};

use crate::output;

/// How often a plain line is printed.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
/// How often a plain line is printed while nothing moves, for the same kind of reason.
const STILL_INTERVAL: Duration = Duration::from_secs(15);
/// How soon a plain line is printed when the reason has become another.
const REASON_INTERVAL: Duration = Duration::from_secs(1);
/// Fits a terminal of 80 columns; what is longer is cut at its edge. indicatif leaves the colours out with NO_COLOR.
const TEMPLATE: &str = "{prefix:.bold} [{bar:12.cyan}] {wide_msg}";

/// What is counted, in the singular and in the plural.
pub(crate) type Unit = (&'static str, &'static str);
pub(crate) const JOBS: Unit = ("job", "jobs");
pub(crate) const KIB: Unit = ("KiB", "KiB");

/// One line of progress: what is being done, how much of how much, how fast.
pub(crate) struct Bar {
    bar: Option<ProgressBar>,
    doing: &'static str,
    unit: Unit,
    since: Instant,
    /// The first position and when it was: what had been done before says nothing of the rate.
    first: Option<(u64, Instant)>,
    printed: Instant,
    /// What the last plain line said: where it was, and its reason without its numbers.
    said: Option<(u64, String)>,
}

impl Bar {
    /// Begins a progress that is counted in this unit.
    pub(crate) fn new(doing: &'static str, unit: Unit) -> Bar {
        let bar = output::is_watched().then(|| {
            let bar = ProgressBar::new(0).with_prefix(doing);
            bar.set_style(style(TEMPLATE));
            bar
        });
        let now = Instant::now();
        Bar { bar, doing, unit, since: now, first: None, printed: now, said: None }
    }

    /// So much is done of so much; `note` stands behind it, and `reason` says why nothing moves.
    pub(crate) fn at(&mut self, position: u64, length: Option<u64>, note: &str, reason: &str) {
        let (from, since) = *self.first.get_or_insert((position, Instant::now()));
        let measured = since.elapsed().as_secs_f64();
        let rate = if measured > 0.0 { position.saturating_sub(from) as f64 / measured } else { 0.0 };
        let state = State { position, length, unit: self.unit, rate, elapsed: self.since.elapsed(), note };
        if let Some(bar) = &self.bar {
            bar.set_length(length.unwrap_or(position).max(1));
            bar.set_position(position);
            bar.set_message(output::line(&state.text()).into_owned());
            let below = output::line(reason).into_owned();
            bar.set_style(if below.is_empty() { style(TEMPLATE) } else { style_with(below) });
            return;
        }
        let kind: String = reason.chars().filter(|char| !char.is_ascii_digit()).collect();
        let interval = match &self.said {
            Some((_, said)) if *said != kind => REASON_INTERVAL,
            Some((at, _)) if *at == position => STILL_INTERVAL,
            None if !kind.is_empty() => REASON_INTERVAL,
            _ => LINE_INTERVAL,
        };
        if self.printed.elapsed() >= interval {
            self.printed = Instant::now();
            self.said = Some((position, kind));
            let reason = if reason.is_empty() { String::new() } else { format!("; {reason}") };
            output::say(format_args!("{} {}{reason}", self.doing, state.text()));
        }
    }

    /// Prints a line above the bar.
    pub(crate) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(output::line(line)),
            None => output::say(line),
        }
    }

    /// Ends the bar, and leaves its last state on the screen.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.set_style(style(TEMPLATE));
            bar.abandon();
            if self.first.is_some() {
                // It leaves the cursor at the end of its line.
                output::say("");
            }
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}

/// With a second line, which wants to be seen.
fn style_with(below: String) -> ProgressStyle {
    style(&format!("{TEMPLATE}\n  {{below:.yellow}}"))
        .with_key("below", move |_: &ProgressState, out: &mut dyn Write| _ = out.write_str(&below))
}

/// What a line of progress says.
struct State<'a> {
    position: u64,
    /// `None` while nobody knows it.
    length: Option<u64>,
    unit: Unit,
    /// In this process, per second.
    rate: f64,
    elapsed: Duration,
    note: &'a str,
}

impl State<'_> {
    fn text(&self) -> String {
        let State { position, length, unit, rate, elapsed, note } = *self;
        let unit = if length.unwrap_or(position) == 1 { unit.0 } else { unit.1 };
        let done = match length {
            Some(length) => {
                let percent = position * 100 / length.max(1);
                format!("{percent} % of {} {unit}", HumanCount(length))
            }
            None => format!("{} {unit}", HumanCount(position)),
        };
        let mut parts = vec![done];
        if rate >= 0.5 {
            parts.push(format!("{}/s", HumanCount(rate.round() as u64)));
        }
        parts.push(format!("elapsed {}", clock(elapsed)));
        let left = length.map(|length| length.saturating_sub(position) as f64 / rate);
        if let Some(left) = left.filter(|left| *left > 0.0)
            && let Ok(left) = Duration::try_from_secs_f64(left)
        {
            parts.push(format!("left {}", clock(left)));
        }
        if !note.is_empty() {
            parts.push(note.to_owned());
        }
        parts.join(", ")
    }
}

/// Minutes and seconds, and hours if there are any.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// A number with its noun in the singular or the plural.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// All jobs of a run.
pub(crate) fn all_jobs(jobs: u64) -> String {
    if jobs == 1 { counted(jobs, "job") } else { format!("all {jobs} jobs") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_units_and_what_is_known() {
        let state = State {
            position: 123_012,
            length: Some(300_030),
            unit: JOBS,
            rate: 5000.4,
            elapsed: Duration::from_secs(72),
            note: "3 dead",
        };
        assert_eq!(state.text(), "40 % of 300,030 jobs, 5,000/s, elapsed 1:12, left 0:35, 3 dead");
        let still = State { rate: 0.0, elapsed: Duration::from_secs(7261), note: "", ..state };
        assert_eq!(still.text(), "40 % of 300,030 jobs, elapsed 2:01:01");
        assert_eq!(State { length: None, ..still }.text(), "123,012 jobs, elapsed 2:01:01");
        assert_eq!(
            State { position: 300_030, rate: 9.0, ..still }.text(),
            "100 % of 300,030 jobs, 9/s, elapsed 2:01:01"
        );
        assert_eq!(State { position: 0, length: Some(1), ..still }.text(), "0 % of 1 job, elapsed 2:01:01");
        assert_eq!(State { position: 0, length: Some(0), ..still }.text(), "0 % of 0 jobs, elapsed 2:01:01");
        assert_eq!([counted(1, "job"), counted(0, "job"), counted(2, "job")], ["1 job", "0 jobs", "2 jobs"]);
    }
}
