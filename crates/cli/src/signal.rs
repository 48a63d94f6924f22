//! SIGTERM and Ctrl-C.

use consumer::Drain;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Both signals that ask a process to stop.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Takes both signals over from now on.
    pub(crate) fn listen() -> std::io::Result<Stop> {
        Ok(Stop { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// The first signal drains, the second ends running statements.
    pub(crate) async fn drain(mut self, drain: Drain) {
        self.next().await;
        drain.begin();
        self.next().await;
        drain.now();
        std::future::pending::<()>().await;
    }
}
