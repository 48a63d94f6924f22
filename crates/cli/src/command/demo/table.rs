//! The demo's table and its script, and what the database says of the table in the end.

use std::fmt::Write;
use std::path::PathBuf;

use queryfleet_devstack::{MariaDb, Stack};

use crate::failure::Failure;

/// What the rows say: each is 1 when every statement took effect exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Rows that no statement has reached.
    pub(crate) lost: u64,
    /// Effects beyond the first, over all rows.
    pub(crate) doubled: u64,
}

/// Makes a table of so many rows, all 0, and the script with one update for each; returns the script's path.
pub(crate) fn make(stack: &Stack, rows: u64) -> Result<PathBuf, Failure> {
    let database = MariaDb::DATABASE;
    let values: Vec<String> = (1..=rows).map(|id| format!("({id}, 0)")).collect();
    stack.database.query(&format!(
        "USE `{database}`;\n\
         CREATE TABLE demo (id INT PRIMARY KEY, n INT NOT NULL) ENGINE = InnoDB;\n\
         INSERT INTO demo (id, n) VALUES {};\n",
        values.join(", ")
    ))?;
    let mut script = String::new();
    for id in 1..=rows {
        // Writing to a String cannot fail.
        let _ = writeln!(script, "UPDATE demo SET n = n + 1 WHERE id = {id};");
    }
    let path = stack.folder().join("demo.sql");
    std::fs::write(&path, script)
        .map_err(|error| Failure::new(format!("could not write {}: {error}", path.display())))?;
    Ok(path)
}

/// Reads the whole table.
pub(crate) fn read(stack: &Stack) -> Result<Rows, Failure> {
    let database = MariaDb::DATABASE;
    let answer = stack
        .database
        .query(&format!("SELECT SUM(n = 0), SUM(GREATEST(n, 1) - 1) FROM `{database}`.demo"))?;
    let mut numbers = answer.split_whitespace().map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(lost)), Some(Ok(doubled))) => Ok(Rows { lost, doubled }),
        _ => Err(Failure::new(format!("the database counts no rows: {answer}"))),
    }
}
