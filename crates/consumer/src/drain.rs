//! How a worker is told to stop: first it drains, then it may wait no longer.

use tokio::sync::watch;

/// How far a worker's end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Serving,
    /// Take no further message, let the running statement end.
    Draining,
    /// End the running statement as well, and give its message back.
    Now,
}

/// The stop signal of one worker; clones share it.
#[derive(Clone, Debug)]
pub struct Drain {
    stage: watch::Sender<Stage>,
}

impl Default for Drain {
    fn default() -> Drain {
        Drain { stage: watch::Sender::new(Stage::Serving) }
    }
}

impl Drain {
    /// Begins the drain.
    pub fn begin(&self) {
        self.stage.send_if_modified(|stage| {
            std::mem::replace(stage, (*stage).max(Stage::Draining)) < Stage::Draining
        });
    }

    /// Ends running statements too.
    pub fn now(&self) {
        self.stage.send_replace(Stage::Now);
    }

    /// Whether the drain has begun.
    pub fn is_draining(&self) -> bool {
        *self.stage.borrow() >= Stage::Draining
    }

    /// Whether running statements have to end.
    pub(crate) fn is_now(&self) -> bool {
        *self.stage.borrow() >= Stage::Now
    }

    /// Waits until the drain begins.
    pub async fn draining(&self) {
        self.reached(Stage::Draining).await;
    }

    /// Waits until running statements have to end.
    pub async fn must_end(&self) {
        self.reached(Stage::Now).await;
    }

    async fn reached(&self, wanted: Stage) {
        // The sender lives in self, so the channel does not close while we wait.
        let _ = self.stage.subscribe().wait_for(|stage| *stage >= wanted).await;
    }
}
