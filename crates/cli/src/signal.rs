//! What the signals ask for: docs/reference.md has the table.

use queryfleet::Drain;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A file would be larger than `ulimit -f` allows; the same number on every system that this is built for.
const FILE_SIZE_LIMIT: SignalKind = SignalKind::from_raw(25);

/// How a signal asks a process to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Ctrl-C, SIGTERM, SIGHUP: what runs may end.
    Stop,
    /// Ctrl-\, SIGQUIT: at once.
    Now,
}

/// The signals that ask a process to stop.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    /// `None` under `nohup`, which is to outlive its terminal.
    hangup: Option<Signal>,
}

impl Stop {
    /// Takes them over from now on.
    pub(crate) fn listen() -> std::io::Result<Stop> {
        let hangup = SignalKind::hangup();
        Ok(Stop {
            hangup: if is_ignored(hangup) { None } else { Some(signal(hangup)?) },
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) -> Asked {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.terminate.recv() => Asked::Stop,
            _ = hangup => Asked::Stop,
            _ = self.quit.recv() => Asked::Now,
        }
    }

    /// The first signal drains, SIGQUIT or the second one ends running statements.
    pub(crate) async fn drain(mut self, drain: Drain) {
        if self.next().await == Asked::Stop {
            drain.begin();
            self.next().await;
        }
        drain.now();
        std::future::pending::<()>().await;
    }
}

/// Ignores what would end this process and asks for nothing: SIGUSR1 and SIGUSR2, which somebody takes for a request to
/// open logs anew, and SIGXFSZ, whose write gets an error as well. Call inside the runtime.
pub(crate) fn outlive() -> std::io::Result<()> {
    for kind in [SignalKind::user_defined1(), SignalKind::user_defined2(), FILE_SIZE_LIMIT] {
        // The handler stays when the stream is dropped.
        drop(signal(kind)?);
    }
    Ok(())
}

/// Whether this process was started with a signal ignored, as far as the system tells.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}
