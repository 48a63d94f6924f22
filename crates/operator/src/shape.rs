//! What messages and statements have in common, and how they are shown in short.

/// Characters of a statement that are shown.
const SHOWN_CHARACTERS: usize = 100;

/// A message without its values: what stands in quotes, and numbers.
pub(crate) fn message_shape(message: &str) -> String {
    let mut shape = String::with_capacity(message.len());
    let mut quote = None;
    let mut before = ' ';
    let mut characters = message.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied().unwrap_or(' ');
        match quote {
            // The server escapes no quote in a value: one inside a word, or before another one, ends nothing.
            Some(open) if character == open && next != open && !next.is_alphanumeric() => quote = None,
            Some(_) => {}
            // An apostrophe, as in `doesn't`, opens nothing.
            None if matches!(character, '\'' | '"' | '`') && !before.is_alphanumeric() => {
                quote = Some(character);
                shape.push('?');
            }
            None if character.is_ascii_digit() && shape.ends_with('?') => {}
            None if character.is_ascii_digit() => shape.push('?'),
            None => shape.push(character),
        }
        before = character;
    }
    shape
}

/// The start of a statement, on one line.
pub(crate) fn shown(sql: &str) -> String {
    let words = sql.split_whitespace().take(SHOWN_CHARACTERS).collect::<Vec<_>>().join(" ");
    let mut shown: String = words.chars().take(SHOWN_CHARACTERS).collect();
    if shown.len() < words.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_left_out_of_a_message() {
        for (message, shape) in [
            ("Duplicate entry '5-x' for key 'PRIMARY'", "Duplicate entry ? for key ?"),
            ("Duplicate entry 'it's' for key 'PRIMARY'", "Duplicate entry ? for key ?"),
            ("Table 'shop.a' doesn't exist", "Table ? doesn't exist"),
            ("Data too long for column 'n' at row 17", "Data too long for column ? at row ?"),
            ("Unknown column `n` in 'SET'", "Unknown column ? in ?"),
        ] {
            assert_eq!(message_shape(message), shape);
        }
    }
}
