//! Names as they are compared.

/// A database and what it holds, both folded: whether names differ by case only is the server's setting, and a clash of
/// two such names only refuses too much.
pub(super) type Name = (String, String);

/// A name as it is compared: in lower case, character by character as the servers do.
pub(super) fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    // Rust makes two characters of it, the servers one.
    name.chars().flat_map(|c| if c == '\u{130}' { 'i' } else { c }.to_lowercase()).collect()
}

/// A name that is written out in code, folded.
pub(super) fn name(database: &str, object: &str) -> Name {
    (fold(database), fold(object))
}
