//! Signed messages: who can publish to the queue can run SQL, unless messages carry an HMAC.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Signs with the first key, takes what any of the keys has signed (so keys can be rotated).
#[derive(Clone)]
pub struct Signer {
    keys: Vec<Hmac<Sha256>>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({} keys)", self.keys.len())
    }
}

impl Signer {
    /// A signer over these keys; `None` when there is none, which means that messages are not signed.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a [u8]>) -> Option<Signer> {
        // HMAC takes a key of any length, so no key is dropped here.
        let keys: Vec<_> = keys.into_iter().filter_map(|key| Hmac::new_from_slice(key).ok()).collect();
        (!keys.is_empty()).then_some(Signer { keys })
    }

    /// HMAC-SHA256 of the body, in hexadecimal. The body holds run and seq, so they are signed with it.
    pub fn sign(&self, body: &[u8]) -> String {
        let mut mac = self.keys[0].clone();
        mac.update(body);
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether one of the keys has made this signature for this body. Takes the same time for every wrong one.
    pub fn verify(&self, body: &[u8], signature: &str) -> bool {
        let Some(given) = from_hex(signature) else { return false };
        self.keys.iter().any(|key| {
            let mut mac = key.clone();
            mac.update(body);
            mac.verify_slice(&given).is_ok()
        })
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_key_verifies_and_the_first_signs() {
        let old = Signer::new([b"an old signing key".as_slice()]).unwrap();
        let both = Signer::new([b"a new signing key".as_slice(), b"an old signing key"]).unwrap();
        let signature = old.sign(b"body");
        assert!(both.verify(b"body", &signature));
        assert!(!old.verify(b"body", &both.sign(b"body")));
        assert!(!both.verify(b"other body", &signature));
        assert!(!both.verify(b"body", "zz"));
    }

    #[test]
    fn no_key_no_signer_and_no_key_in_debug() {
        assert!(Signer::new([]).is_none());
        assert_eq!(format!("{:?}", Signer::new([b"secret".as_slice()]).unwrap()), "Signer(1 keys)");
    }
}
