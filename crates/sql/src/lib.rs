//! Reads the SQL of MySQL and MariaDB, without a server and without I/O.
//!
//! It cuts scripts into statements as the `mariadb` client does, makes sure that a text is exactly one statement, says
//! of which kind it is and what it writes, and finds the places for values. It is no parser: it follows the lexers of
//! the servers and of the client, reads the few words that it needs, and where it is not sure it says so. All text is
//! UTF-8, as it is for a session with `utf8mb4`. [`SqlMode`] holds the two flags of a session that decide where a
//! string ends.
//!
//! ```
//! use queryfleet_sql::{Kind, Splitter, SqlMode, inspect, written_tables};
//!
//! let mode = SqlMode::default();
//! let limit_bytes = 1 << 20;
//! let mut splitter = Splitter::new(mode, limit_bytes);
//! splitter.feed(b"UPDATE shop.item SET note = 'a;b' WHERE id = 7; DELETE FROM cart");
//! splitter.finish();
//!
//! let statement = splitter.next_statement()?.expect("there are two");
//! let inspected = inspect(statement.sql, mode)?;
//! assert_eq!(inspected.kind, Kind::Update);
//! let tables = written_tables(inspected.sql, mode).expect("its text says what it writes");
//! assert_eq!(tables[0].table, "item");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what it reads |
//! | --- | --- |
//! | `lexer` | bytes: what is code, a string or a comment (`scanner`), where a word ends (`word`), the tokens of a statement (`token`) |
//! | `script` | scripts and dumps: [`Splitter`], the commands of the client, what dumps hold beside rows |
//! | `statement` | one statement: [`inspect`] and [`check`], its [`Kind`], why it is refused ([`Refusal`]), its fingerprint |
//! | `names` | what a statement names: the tables that it writes ([`written_tables`]), what it calls ([`foreign_calls`]), whether it moves rows along a key ([`Move`]) |
//! | `session` | SET statements: [`assignments`], and which variables are harmless ([`is_harmless_variable`]) |
//! | `values` | where values go ([`placeholders`], [`marks`]) and in which use each stands ([`uses`]) |

mod lexer;
mod names;
mod script;
mod session;
mod statement;
mod values;

pub use lexer::scanner::{Open, SqlMode};
pub use names::builtins::{BUILTINS, KEYWORDS, is_native};
pub use names::calls::{Call, calls_only_builtins, foreign_calls};
pub use names::mentions::{
    called_procedures, may_change_tables_with_prefix, names, tables_named, tables_written_by_body,
};
pub use names::moves::{Move, moves, sets_new};
pub use names::written::{TableName, lacks_where, qualified_names, written_tables};
pub use script::binary::with_binary_strings;
pub use script::client::client_command;
pub use script::idle::is_idle;
pub use script::position::{Position, statement_start};
pub use script::splitter::{SplitError, Splitter, Statement};
pub use session::assignment::{Assignment, Target, Value, set_statements};
pub use session::set::assignments;
pub use session::variables::is_harmless_variable;
pub use statement::fingerprint::{Fingerprint, fingerprint};
pub use statement::inspect::{Inspected, check, inspect};
pub use statement::kind::{Kind, UnknownKind};
pub use statement::refusal::{Refusal, SessionState};
pub use values::column::{Meets, meets};
pub use values::parts::{Compared, Use};
pub use values::placeholder::{Placeholder, marks, placeholders, splice};
pub use values::usage::uses;
