//! Progress on standard error: a bar for a terminal, plain lines every few seconds for everything else.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a plain line is printed.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// One line of progress: what is being done, how much of how much, how fast.
pub(crate) struct Bar {
    bar: Option<ProgressBar>,
    doing: &'static str,
    started: Instant,
    printed: Instant,
}

impl Bar {
    /// Begins a progress of jobs.
    pub(crate) fn new(doing: &'static str) -> Bar {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let template = "{prefix:>10} [{bar:32}] {human_pos}/{human_len} {per_sec} {eta} {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_prefix(doing);
            bar
        });
        Bar { bar, doing, started: Instant::now(), printed: Instant::now() }
    }

    /// So much is done of so much; `note` stands behind it.
    pub(crate) fn at(&mut self, position: u64, length: u64, note: &str) {
        if let Some(bar) = &self.bar {
            bar.set_length(length);
            bar.set_position(position);
            bar.set_message(note.to_owned());
        } else if self.printed.elapsed() >= LINE_EVERY {
            self.printed = Instant::now();
            let rate = position as f64 / self.started.elapsed().as_secs_f64().max(0.001);
            eprintln!("{} {position}/{length} ({rate:.0}/s) {note}", self.doing);
        }
    }

    /// Ends the bar, and leaves its last state on the screen.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.abandon();
        }
    }
}
