//! Writing a literal into a statement, where a `?` stood.

/// Adds `literal` to the text before it, and a space wherever it would melt into a neighbour: `BETWEEN?` must not become a
/// name, nor `'a'?` one string. A space everywhere would make `--?` a comment. `next` is the byte that will follow.
pub fn splice(text: &mut String, literal: &str, next: Option<u8>) {
    let melts = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || byte >= 0x80
            || matches!(byte, b'_' | b'$' | b'\'' | b'"' | b'`' | b'.')
    };
    if text.as_bytes().last().is_some_and(|byte| melts(*byte)) {
        text.push(' ');
    }
    text.push_str(literal);
    if next.is_some_and(melts) {
        text.push(' ');
    }
}
