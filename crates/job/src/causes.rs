//! Printing an error: itself and every cause, each once.

use std::error::Error;

/// The error and its causes in one line, `what: why: why`. A cause that the text before it already says is left out.
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}
