//! The lexer of the servers: what is code, what a string or a comment; where a word ends; the tokens of a statement.

pub(crate) mod scanner;
pub(crate) mod token;
pub(crate) mod word;
