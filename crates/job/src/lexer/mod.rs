//! One lexer for the SQL of MySQL and MariaDB, for three uses: [`Splitter`] cuts scripts into statements, [`check`]
//! and [`inspect`] make sure that a text is one statement and say what it is, [`placeholders`] finds the `:name`s of
//! a template. It follows the lexers of the servers and of the `mariadb` client; it is no parser, and accepts what
//! the server accepts. All text is UTF-8, as the sessions are utf8mb4.
//!
//! The parts: `scan` tells code from strings and comments over bytes and can stop anywhere; `split` and `command`
//! are the client's side; `check`, `words` and `special` the safety net's; `kind` names what a statement is; `token`
//! are its words and symbols, `mentions` says which names it has at all, `calls` says what it calls that is not in the lists of `builtins`, `tables` reads out of
//! them what it writes, `shape` what it has in common with others, `assign` what a SET sets.

mod assign;
mod builtins;
mod calls;
mod check;
mod command;
mod kind;
mod literals;
mod mark;
mod mentions;
mod mode;
mod place;
mod placeholder;
mod refusal;
mod scan;
mod shape;
mod special;
mod split;
mod tables;
mod target;
mod token;
mod verb;
mod word;
mod words;

pub use assign::{Assignment, assignments};
pub use builtins::{BUILTINS, KEYWORDS, is_native};
pub use calls::{Call, calls_only_builtins, foreign_calls};
pub use check::{Inspected, check, inspect};
pub use kind::{Kind, UnknownKind};
pub use mark::marks;
pub use mentions::{
    called_procedures, is_of_queryfleet, may_change_queryfleet, names, tables_named, tables_written_by_body,
};
pub use mode::SqlMode;
pub use place::Place;
pub use placeholder::{Placeholder, placeholders};
pub use refusal::Refusal;
pub use scan::Open;
pub use shape::{Shape, shape};
pub use split::{SplitError, Splitter, Statement};
pub use tables::{TableName, lacks_where, qualified_names, written_tables};
