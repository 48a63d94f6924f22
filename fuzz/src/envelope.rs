//! Decoding a message's body.

use queryfleet_job::envelope::{decode, encode};

/// No bytes make the decoding panic, and a chunk that was decoded is the same after it is encoded and decoded once more.
pub fn envelope(body: &[u8]) {
    let Ok(chunk) = decode(body) else { return };
    let again = decode(&encode(&chunk));
    assert_eq!(again.as_ref().ok(), Some(&chunk), "{again:?}");
}
