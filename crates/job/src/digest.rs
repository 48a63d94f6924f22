//! The digest that a body without run and seq is known by, and how digests are written.

use sha2::{Digest, Sha256};

/// SHA-256 of a message's body, as 64 hexadecimal digits.
pub fn digest(body: &[u8]) -> String {
    hex(&Sha256::digest(body))
}

/// Bytes as hexadecimal digits in lower case. By a table: the formatter takes ten times as long, and a publish writes a
/// digest into each message.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(*byte));
    }
    text
}
