//! The mode under which our own statements run: dead rows, runs, counts, whatever is not a job's.
//!
//! A job runs under the `sql_mode` that its server, its configuration and its run set. Under some modes our own
//! statements would mean something else: EMPTY_STRING_IS_NULL lets no dead row be written. What the packet says around
//! a job is the same under all of them.

/// Strict: a value that does not fit is an error, and nothing is cut off in silence.
const OWN_MODE: &str = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION";

/// The statement that makes a session ours alone: the mode, and what else would change the meaning of a question of ours.
pub(crate) fn own_session() -> String {
    format!("{}, sql_select_limit=18446744073709551615, sql_safe_updates=0", set_own_mode())
}

/// The statement that sets our mode, on a session that belongs to a job before and after.
pub(crate) fn set_own_mode() -> String {
    format!("SET SESSION sql_mode='{OWN_MODE}'")
}

/// The statement that sets the mode of jobs again, in the server's words.
pub(crate) fn restore_mode(mode: &str) -> String {
    // The server writes a list of words, without quotes.
    format!("SET SESSION sql_mode='{}'", mode.replace('\'', "''"))
}
