//! Printing an error: itself and every cause, each once.

use std::error::Error;

/// The error and its causes in one line, `what: why: why`. A cause that the text before it already says is left out. Causes
/// come from servers and drivers, so each is bounded; the error itself is ours.
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = crate::foreign(cause.to_string());
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Said(String, #[source] Option<Box<Said>>);

    #[test]
    fn a_cause_from_outside_is_bounded_and_the_error_itself_is_whole() {
        let cause = Said("x".repeat(5_000_000), None);
        let error = Said("y".repeat(10_000), Some(Box::new(cause)));
        let text = causes(&error);
        assert!(text.starts_with(&"y".repeat(10_000)) && text.len() < 10_000 + crate::FOREIGN_LIMIT + 3);
    }
}
