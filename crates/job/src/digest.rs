//! The digest that a body without run and seq is known by.

use sha2::{Digest, Sha256};

/// SHA-256 of a message's body, as 64 hexadecimal digits.
pub fn digest(body: &[u8]) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}
