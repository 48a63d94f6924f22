//! Reads the SQL of MySQL and MariaDB, for three uses: [`Splitter`] cuts scripts into statements, [`check()`]
//! and [`inspect`] make sure that a text is one statement and say what it is, [`placeholders`] finds the `:name`s of
//! a template. It follows the lexers of the servers and of the `mariadb` client; it is no parser, and accepts what
//! the server accepts. All text is UTF-8, as the sessions are utf8mb4.
//!
//! The parts: `scan` tells code from strings and comments over bytes and can stop anywhere; `split` and `command`
//! are the client's side; `check`, `words`, `special`, `left_behind` and `user_variable` are the safety net; `kind` names
//! what a statement is; `word` says where a name, a number or a variable ends, `token` are all of them and the symbols, `verb`
//! finds the word that says what is executed, `tables` and `target` read out of them what it writes, `mentions` says which
//! names it has at all, `calls` what it calls that is not in the lists of `builtins`, `moves` whether a walk would meet its
//! rows again, `usage` in what use its `?` stand, `shape` what it has in common with others, `assign`, `set` and `set_value`
//! what a SET sets, `session_variable` which of these session SQL may; `splice` writes a literal into it; `idle` and `binary`
//! are about what dumps hold.

mod assign;
mod binary;
mod builtins;
mod calls;
mod check;
mod command;
mod idle;
mod kind;
mod left_behind;
mod literals;
mod mark;
mod mentions;
mod mode;
mod moves;
mod place;
mod placeholder;
mod refusal;
mod scan;
mod session_variable;
mod set;
mod set_value;
mod shape;
mod special;
mod splice;
mod split;
mod tables;
mod target;
mod token;
mod usage;
mod user_variable;
mod verb;
mod word;
mod words;

pub use assign::{Assignment, Target, Value, assignments, set_statements};
pub use binary::with_binary_strings;
pub use builtins::{BUILTINS, KEYWORDS, is_native};
pub use calls::{Call, calls_only_builtins, foreign_calls};
pub use check::{Inspected, check, inspect};
pub use command::client_command;
pub use idle::is_idle;
pub use kind::{Kind, UnknownKind};
pub use mark::marks;
pub use mentions::{
    called_procedures, is_of_queryfleet, may_change_queryfleet, names, tables_named, tables_written_by_body,
};
pub use mode::SqlMode;
pub use moves::{Move, moves, sets_new};
pub use place::{Place, beginning};
pub use placeholder::{Placeholder, placeholders};
pub use refusal::Refusal;
pub use scan::Open;
pub use session_variable::may_be_set;
pub use shape::{Shape, shape};
pub use splice::splice;
pub use split::{SplitError, Splitter, Statement};
pub use tables::{TableName, lacks_where, qualified_names, written_tables};
pub use usage::{Meets, Use, meets, uses};
