//! The documentation says what is so: its commands run, its links lead somewhere, its names exist.

mod commands;
mod links;
mod names;
mod page;
mod prose;
mod release;
mod sources;
