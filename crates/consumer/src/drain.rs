//! How a worker is told to stop: first it drains, then it may wait no longer.

use tokio_util::sync::CancellationToken;

/// The stop signal of one worker; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    /// Take no further message, let the running statements end.
    draining: CancellationToken,
    /// End the running statements as well, and give their messages back.
    now: CancellationToken,
}

impl Drain {
    /// One that begins with this one, and may begin before.
    pub fn child(&self) -> Drain {
        Drain { draining: self.draining.child_token(), now: self.now.child_token() }
    }

    /// Begins the drain.
    pub fn begin(&self) {
        self.draining.cancel();
    }

    /// Ends running statements too.
    pub fn now(&self) {
        self.draining.cancel();
        self.now.cancel();
    }

    /// Whether the drain has begun.
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Whether running statements have to end.
    pub(crate) fn is_now(&self) -> bool {
        self.now.is_cancelled()
    }

    /// Waits until the drain begins.
    pub async fn draining(&self) {
        self.draining.cancelled().await;
    }

    /// Waits until running statements have to end.
    pub async fn must_end(&self) {
        self.now.cancelled().await;
    }
}
