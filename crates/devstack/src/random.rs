//! Random text for names and passwords.

use crate::Error;

/// 128 random bits as 32 hexadecimal digits, which need no quoting in URLs, SQL or configuration files.
pub(crate) fn secret() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::io("get random bytes for a password")(error.into()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::secret;

    #[test]
    fn two_secrets_differ_and_need_no_quoting() {
        let one = secret().unwrap();
        let other = secret().unwrap();
        assert_ne!(one, other);
        assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
