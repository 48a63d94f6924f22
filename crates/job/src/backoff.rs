//! Pauses between attempts to reach a server.

use std::time::Duration;

/// The first pause; each further one is up to twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Growing pauses with jitter, so that a fleet does not come back all at once.
#[derive(Clone, Debug)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Pauses of at most `longest`.
    pub fn new(longest: Duration) -> Backoff {
        Backoff { next: FIRST_PAUSE.min(longest), longest }
    }

    /// The pause to make now: between half and all of what the count of failures allows.
    pub fn pause(&mut self) -> Duration {
        let pause = jittered(self.next);
        self.next = (self.next * 2).min(self.longest);
        pause
    }

    /// Success: the next failure begins with the shortest pause.
    pub fn reset(&mut self) {
        self.next = FIRST_PAUSE.min(self.longest);
    }
}

/// A random duration between half of `longest` and all of it.
pub fn jittered(longest: Duration) -> Duration {
    longest.mul_f64(0.5 + fastrand::f64() / 2.0)
}
