//! The session under which our own statements run: dead rows, runs, counts, whatever is not a job's.
//!
//! A job runs under the `sql_mode` that its server, its configuration and its run want. Under some of them our own
//! statements would mean something else: EMPTY_STRING_IS_NULL lets no dead row be written. What the packet says around
//! a job is the same under all of them.

/// Strict: a value that does not fit is an error, and nothing is cut off in silence.
const MODE: &str = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION";

/// Makes a session ours alone: the mode, and what else would change the meaning of a question of ours.
pub(crate) fn whole() -> String {
    format!("{}, sql_select_limit=18446744073709551615, sql_safe_updates=0", begin())
}

/// Takes our mode, on a session that is a job's before and after.
pub(crate) fn begin() -> String {
    format!("SET SESSION sql_mode='{MODE}'")
}

/// Gives the mode back that jobs run under, as the server has said it.
pub(crate) fn end(mode: &str) -> String {
    // A list of words; a quote would be none of the server's.
    format!("SET SESSION sql_mode='{}'", mode.replace('\'', "''"))
}
