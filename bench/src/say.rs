//! What a program of the bench says to it, and waits for: the other side of `bench/src/sides/mod.rs`'s `talk`.

use std::io::{Write, stdin, stdout};

/// Prints a word on a line of its own, and waits for a line.
///
/// # Errors
/// When the bench is gone.
pub fn say(word: &str) -> std::io::Result<()> {
    println!("{word}");
    stdout().flush()?;
    stdin().read_line(&mut String::new()).map(drop)
}
