//! Everything that this program prints goes through here; clippy refuses `println!` and its like elsewhere.
//!
//! Standard output is data. Standard error is for people and best effort: nobody can be told that it is gone, and a reader
//! that has stopped holds nobody. A person's terminal never gets a control character of a name, a statement or an
//! error, see [`escape`].

mod escape;
mod log;
mod patient;
mod screen;
mod stderr;
mod stdout;
mod table;

pub(crate) use escape::line;
pub(crate) use log::Log;
pub(crate) use screen::Screen;
pub(crate) use stderr::{end, is_watched, say, say_block};
#[cfg(feature = "dev")]
pub(crate) use stdout::stdout_error;
pub(crate) use stdout::{
    JsonList, exit_after_output, note_stdout, print, print_block, print_data, print_json,
};
pub(crate) use table::{Align, print_table};
