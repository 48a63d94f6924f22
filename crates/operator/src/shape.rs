//! What messages have in common.

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
