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

/// The value of each byte as a hexadecimal digit; [`NO_DIGIT`] of all others.
pub(crate) struct HexDigits([u8; 256]);

/// No digit: every digit is below 16.
const NO_DIGIT: u8 = 0xFF;

impl HexDigits {
    pub(crate) const LOWER_CASE: HexDigits = HexDigits::of(b"0123456789abcdef");
    pub(crate) const ANY_CASE: HexDigits = HexDigits::of(b"0123456789abcdef").and_upper_case();

    const fn of(digits: &[u8; 16]) -> HexDigits {
        let mut values = [NO_DIGIT; 256];
        let mut value = 0;
        while value < 16 {
            values[digits[value] as usize] = value as u8;
            value += 1;
        }
        HexDigits(values)
    }

    const fn and_upper_case(mut self) -> HexDigits {
        let mut letter = b'a';
        while letter <= b'f' {
            self.0[letter.to_ascii_uppercase() as usize] = self.0[letter as usize];
            letter += 1;
        }
        self
    }
}

/// The bytes that 64 hexadecimal digits stand for. By a table, without a branch per digit: a worker reads a digest in
/// each message.
pub(crate) fn parse_hex(text: &str, digits: &HexDigits) -> Option<[u8; 32]> {
    let text: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    let mut seen = 0;
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let high = digits.0[usize::from(pair[0])];
        let low = digits.0[usize::from(pair[1])];
        seen |= high | low;
        *byte = high << 4 | low;
    }
    (seen != NO_DIGIT).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let bytes: [u8; 32] = std::array::from_fn(|at| at as u8 * 8 + 5);
        let text = hex(&bytes);
        assert_eq!(parse_hex(&text, &HexDigits::LOWER_CASE), Some(bytes));
        assert_eq!(parse_hex(&text.to_uppercase(), &HexDigits::ANY_CASE), Some(bytes));
        assert_eq!(parse_hex(&text.to_uppercase(), &HexDigits::LOWER_CASE), None);
        for other in (0..=u8::MAX).map(char::from).filter(|other| !other.is_ascii_hexdigit()) {
            let text = format!("{other}{}", &text[other.len_utf8()..]);
            assert_eq!(parse_hex(&text, &HexDigits::ANY_CASE), None, "{text}");
        }
    }
}
