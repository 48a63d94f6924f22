//! Large messages take turns, so that a worker's memory does not grow with slots times copies.
//!
//! A slot holds its message in memory whatever it does. What is made of it on the way to the server (the decoded jobs,
//! the packet, the driver's buffer) takes about five times as much again. Large messages are processed only in turn;
//! small ones, which is nearly all of them, by every slot at once.

use tokio::sync::{Semaphore, SemaphorePermit};

/// A message of so many bytes or more waits for its turn.
const LARGE_BYTES: usize = 1 << 20;
/// Total bytes of the messages whose turn it is; a larger one has its turn alone. As much as RabbitMQ takes in one
/// message.
const TURN_BYTES: usize = 16 << 20;
/// A connection whose packet may have been larger than this is replaced: the driver keeps a buffer of that size.
const OUTSIZE_BYTES: usize = 2 << 20;
/// The bytes that one permit stands for.
const PERMIT_BYTES: usize = 1 << 10;

/// Whose turn it is.
pub(crate) struct Large {
    permits: Semaphore,
}

impl Large {
    pub(crate) fn new() -> Large {
        Large { permits: Semaphore::new(TURN_BYTES / PERMIT_BYTES) }
    }

    /// Waits for the turn of a message of so many bytes; the turn ends when the permit is dropped. `None`, at once, for
    /// a message that needs no turn.
    pub(crate) async fn turn(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        if bytes < LARGE_BYTES {
            return None;
        }
        let permits = bytes.min(TURN_BYTES) / PERMIT_BYTES;
        // Nobody closes the semaphore; if somebody did, nobody would have to wait.
        self.permits.acquire_many(u32::try_from(permits).unwrap_or(u32::MAX)).await.ok()
    }
}

/// Whether a message of so many bytes leaves a connection with a buffer that it must not keep.
pub(crate) fn is_outsize(bytes: usize) -> bool {
    bytes > OUTSIZE_BYTES
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
        assert!(all.is_some(), "one that is larger than all permits has them alone");
        assert!(is_now(large.turn(LARGE_BYTES - 1)).unwrap().is_none());
        assert!(is_now(large.turn(LARGE_BYTES)).is_none());
        drop(all);
        let turns: Vec<_> = (0..16).map(|_| is_now(large.turn(LARGE_BYTES)).unwrap()).collect();
        assert!(is_now(large.turn(LARGE_BYTES)).is_none());
        drop(turns);
        assert!(is_now(large.turn(TURN_BYTES)).is_some());
    }
}
