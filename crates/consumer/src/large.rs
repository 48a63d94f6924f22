//! Large messages take turns, so that a worker's memory does not grow with slots times copies.
//!
//! A slot holds its message, which is in memory whatever it does. What is made of it on the way to the server (the
//! decoded job, the packet, what the driver writes) is some five times as much again, and is made only in turn: of
//! small messages, which is nearly all of them, by every slot at once.

use tokio::sync::{Semaphore, SemaphorePermit};

/// From so many bytes on a message takes its turn.
const LARGE: usize = 1 << 20;
/// Bytes of all messages whose turn it is; a larger one has its turn alone. As much as RabbitMQ takes in one message.
const AT_ONCE: usize = 16 << 20;
/// A connection whose packet may have been larger than this is made anew: the driver keeps a buffer of its size.
const OUTSIZE: usize = 2 << 20;
/// What permits are counted in.
const UNIT: usize = 1 << 10;

/// Whose turn it is.
pub(crate) struct Large {
    units: Semaphore,
}

impl Large {
    pub(crate) fn new() -> Large {
        Large { units: Semaphore::new(AT_ONCE / UNIT) }
    }

    /// Waits for the turn of a message of so many bytes; it ends when the answer is dropped. `None`, at once, for one
    /// that needs none.
    pub(crate) async fn turn(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        if bytes < LARGE {
            return None;
        }
        let units = bytes.min(AT_ONCE) / UNIT;
        // Nobody closes it; if somebody did, nobody would have to wait.
        self.units.acquire_many(u32::try_from(units).unwrap_or(u32::MAX)).await.ok()
    }
}

/// Whether a message of so many bytes leaves a connection with a buffer that it must not keep.
pub(crate) fn is_outsize(bytes: usize) -> bool {
    bytes > OUTSIZE
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn is_now<T>(turn: impl Future<Output = T>) -> Option<T> {
        match pin!(turn).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    #[test]
    fn small_messages_never_wait_and_large_ones_share_what_there_is() {
        let large = Large::new();
        let all = is_now(large.turn(100 << 20)).unwrap();
        assert!(all.is_some(), "one that is larger than all there is has it alone");
        assert!(is_now(large.turn(LARGE - 1)).unwrap().is_none());
        assert!(is_now(large.turn(LARGE)).is_none());
        drop(all);
        let turns: Vec<_> = (0..16).map(|_| is_now(large.turn(LARGE)).unwrap()).collect();
        assert!(is_now(large.turn(LARGE)).is_none());
        drop(turns);
        assert!(is_now(large.turn(AT_ONCE)).is_some());
    }
}
