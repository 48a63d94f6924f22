//! A quick look at a statement: most mention nothing that is in the catalog's list.

/// Bits, 16 KiB of them: with some 300 names of MariaDB's own, one other word in 400 is looked at more closely in vain.
const FILTER_BITS: u64 = 1 << 17;

/// The words that the names of the list have in them; it may say yes to others too.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    /// Nothing before the first name.
    bits: Vec<u64>,
    /// Some name has characters beyond ASCII, which fold in ways of their own.
    beyond_ascii: bool,
    /// Some name has no word in it: then every text may mention it.
    wordless: bool,
}

impl Filter {
    pub(super) fn add(&mut self, folded: &str) {
        if self.bits.is_empty() {
            self.bits = vec![0; (FILTER_BITS / 64) as usize];
        }
        self.beyond_ascii |= !folded.is_ascii();
        match words(folded.as_bytes()).next() {
            Some((_, word)) => {
                let bit = bit(word);
                self.bits[(bit / 64) as usize] |= 1 << (bit % 64);
            }
            None => self.wordless = true,
        }
    }

    /// Whether a text may mention one of the names. It looks at every word of the text, in strings and comments too, so that
    /// it needs no lexer. It may only say no where no server reads a name.
    pub(super) fn may_be_in(&self, text: &str) -> bool {
        let text = text.as_bytes();
        self.wordless
            || !self.bits.is_empty()
                && words(text).any(|(at, word)| self.may_be(text.get(at.wrapping_sub(1)), word))
    }

    /// Whether a word of a text, or a part of it that some server takes for a name, is in the set.
    fn may_be(&self, before: Option<&u8>, word: &[u8]) -> bool {
        match word {
            // `1e5m` and `5.m` have a name in them; `0x4d` is a number, or all of it is a name.
            [first, rest @ ..] if first.is_ascii_digit() => {
                let is_whole = rest.iter().all(u8::is_ascii_digit)
                    || matches!(word, [b'0', b'x' | b'X' | b'b' | b'B', ..]);
                !is_whole || self.has(word)
            }
            // `\Nm` is NULL and a name.
            [b'N', rest @ ..] if before == Some(&b'\\') => self.has(word) || self.has(rest),
            _ => self.has(word),
        }
    }

    fn has(&self, word: &[u8]) -> bool {
        let bit = bit(word);
        self.bits[(bit / 64) as usize] & 1 << (bit % 64) != 0 || !word.is_ascii() && self.may_fold(word)
    }

    /// Whether a word beyond ASCII may fold into one of them: İ and the Kelvin sign do.
    fn may_fold(&self, word: &[u8]) -> bool {
        let folds = |at: &[u8]| at.starts_with(&[0xC4, 0xB0]) || at.starts_with(&[0xE2, 0x84, 0xAA]);
        self.beyond_ascii || (0..word.len()).any(|at| folds(&word[at..]))
    }
}

/// The words of a text: what unquoted names and numbers are made of.
fn words(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += text[at..].iter().position(|byte| WORD[usize::from(*byte)])?;
        let begin = at;
        at += text[at..].iter().take_while(|byte| WORD[usize::from(**byte)]).count();
        Some((begin, &text[begin..at]))
    })
}

static WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80;
        byte += 1;
    }
    table
};

/// FNV-1a, the case of ASCII left out of account.
fn bit(word: &[u8]) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for byte in word {
        hash = (hash ^ u64::from(byte | 0x20)).wrapping_mul(0x0100_0000_01B3);
    }
    (hash ^ hash >> 32) % FILTER_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_the_list_is_overlooked() {
        let mut filter = Filter::default();
        assert!(!filter.may_be_in("UPDATE log SET é = 1"));
        ["m", "my table", "a`b", "0x4g", "$x", "123"].into_iter().for_each(|name| filter.add(name));
        for text in [
            "UPDATE M SET x = 1",
            "INSERT INTO .m",
            "INSERT INTO `My Table`",
            "INSERT INTO `a``b`",
            "SELECT 1.m, 1",
            "SELECT 1e5m",
            "SELECT .5m",
            "SELECT \\Nm",
            "SELECT x'41'm",
            "SELECT /*!50000m */ 1",
            "SELECT 0x4G",
            "SELECT $X",
            "SELECT 'm'",
            "INSERT INTO `123`",
        ] {
            assert!(filter.may_be_in(text), "{text}");
        }
        for text in ["UPDATE t SET n = 12.5 WHERE id = 0xFF", "SELECT 'Ä' FROM é", "SELECT 'it\\nis'"] {
            assert!(!filter.may_be_in(text), "{text}");
        }
        filter.add("kilo");
        assert!(filter.may_be_in("UPDATE \u{212A}ilo SET x = 1"));
        filter.add("é");
        assert!(filter.may_be_in("UPDATE É SET x = 1"));
        filter.add("-");
        assert!(filter.may_be_in("SELECT 1"));
    }
}
