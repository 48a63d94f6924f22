//! Digests, and how their bytes are written: as hexadecimal digits in lower case.

use sha2::{Digest, Sha256};

/// SHA-256 of the body of a message, as 64 hexadecimal digits: what a body without run and seq is known by.
pub fn digest(body: &[u8]) -> String {
    hex(&Sha256::digest(body))
}

/// Bytes as hexadecimal digits in lower case. By a table: the formatter takes ten times as long, and a publish writes a
/// digest into each message.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The bytes that 64 hexadecimal digits of any case stand for.
pub(crate) fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(bytes)
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
