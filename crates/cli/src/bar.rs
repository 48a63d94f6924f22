//! Progress on standard error: a bar for a terminal, plain lines every few seconds for everything else.

use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressState, ProgressStyle};

use crate::output;

/// How often a plain line is printed.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// One line of progress: what is being done, how much of how much, how fast.
pub(crate) struct Bar {
    bar: Option<ProgressBar>,
    doing: &'static str,
    /// The first position and when it was: what had been done before says nothing of the rate.
    first: Option<(u64, Instant)>,
    printed: Instant,
}

impl Bar {
    /// Begins a progress of jobs.
    pub(crate) fn new(doing: &'static str) -> Bar {
        let bar = output::is_watched().then(|| {
            let bar = ProgressBar::new(0).with_prefix(doing);
            let template = "{prefix:>10} [{bar:32}] {human_pos}/{human_len} {rate} {eta} {msg}";
            match ProgressStyle::with_template(template) {
                Ok(style) => bar.with_style(style.progress_chars("=> ").with_key("rate", rate)),
                Err(_) => bar,
            }
        });
        Bar { bar, doing, first: None, printed: Instant::now() }
    }

    /// So much is done of so much; `note` stands behind it.
    pub(crate) fn at(&mut self, position: u64, length: u64, note: &str) {
        let (from, since) = *self.first.get_or_insert((position, Instant::now()));
        if let Some(bar) = &self.bar {
            bar.set_length(length);
            bar.set_position(position);
            bar.set_message(output::line(note).into_owned());
        } else if self.printed.elapsed() >= LINE_INTERVAL {
            self.printed = Instant::now();
            let rate = position.saturating_sub(from) as f64 / since.elapsed().as_secs_f64().max(0.001);
            let left = left(length.saturating_sub(position), rate);
            output::say(format_args!("{} {position}/{length} ({rate:.0}/s, {left}) {note}", self.doing));
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
            bar.abandon();
            if self.first.is_some() {
                // It leaves the cursor at the end of its line.
                output::say("");
            }
        }
    }
}

/// How long the rest will take at this rate.
fn left(rest: u64, rate: f64) -> String {
    match Duration::try_from_secs_f64(rest as f64 / rate) {
        Ok(time) => format!("{} left", HumanDuration(time)),
        // At no rate at all.
        Err(_) => "no end in sight".to_owned(),
    }
}

fn rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    // What cannot be written is only missing from the bar.
    let _ = write!(out, "{}/s", HumanCount(state.per_sec() as u64));
}
