//! Writing JSON.

use std::io;

use serde::Serialize;

/// Writes plain data, such as an envelope, a part of one, or a manifest, into memory.
pub(crate) fn write(to: impl io::Write, data: &impl Serialize) {
    // Writing plain data into memory has no way to fail: no map keys, no custom errors.
    #[allow(clippy::expect_used)]
    serde_json::to_writer(to, data).expect("plain data in memory");
}
