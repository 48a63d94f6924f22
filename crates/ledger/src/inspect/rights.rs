//! Which rights this user has on the tables of queryfleet: tried, with statements that change nothing. SHOW GRANTS
//! would have to be read together with roles, wildcards and partial revokes; the server itself knows the answer.

use mysql_async::prelude::Queryable;

use crate::Error;
use crate::connection::LedgerClient;
use crate::error_code::{
    COLUMN_DENIED, DATABASE_DENIED, NO_DEFAULT, NO_SUCH_TABLE, TABLE_DENIED, TABLE_EXISTS,
};

/// A table of queryfleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the tables of `schema`
pub enum Table {
    Meta,
    Run,
    Ledger,
    Dead,
    Worker,
    Range,
    Hold,
    Place,
    Limit,
    Permit,
    Rate,
    Governor,
    Event,
}

/// A right on a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // SQL's own words
pub enum Right {
    Select,
    Insert,
    Update,
    Delete,
    Create,
}

/// What the server said to a statement that needs one right on one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The right is there.
    Granted,
    /// It is not; of a table that is not there either, a user without any right on it hears the same.
    Denied,
    /// There is no such table.
    NoTable,
    /// Something else, in the server's words.
    Unclear(String),
}

/// One right on one table, tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The table.
    pub table: Table,
    /// The right.
    pub right: Right,
    /// What the server said.
    pub answer: Answer,
}

impl Table {
    /// Every table.
    pub const ALL: [Table; 13] = [
        Table::Meta,
        Table::Run,
        Table::Ledger,
        Table::Dead,
        Table::Worker,
        Table::Range,
        Table::Hold,
        Table::Place,
        Table::Limit,
        Table::Permit,
        Table::Rate,
        Table::Governor,
        Table::Event,
    ];

    /// Its name, without the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Table::Meta => "queryfleet_meta",
            Table::Run => "queryfleet_run",
            Table::Ledger => "queryfleet_ledger",
            Table::Dead => "queryfleet_dead",
            Table::Worker => "queryfleet_worker",
            Table::Range => "queryfleet_range",
            Table::Hold => "queryfleet_hold",
            Table::Place => "queryfleet_place",
            Table::Limit => "queryfleet_limit",
            Table::Permit => "queryfleet_permit",
            Table::Rate => "queryfleet_rate",
            Table::Governor => "queryfleet_governor",
            Table::Event => "queryfleet_event",
        }
    }

    /// A column, and a value that it takes.
    fn column(self) -> (&'static str, &'static str) {
        match self {
            Table::Meta => ("value", "''"),
            Table::Run => ("confirmed", "0"),
            Table::Ledger | Table::Dead => ("state", "'dead'"),
            Table::Worker => ("in_flight", "0"),
            Table::Range => ("lo", "'[]'"),
            Table::Hold => ("queue", "''"),
            Table::Place => ("places", "''"),
            Table::Limit => ("terms", "''"),
            Table::Permit => ("owner", "''"),
            Table::Rate => ("claimed", "0"),
            Table::Governor => ("beat", "0"),
            Table::Event => ("what", "''"),
        }
    }
}

impl Right {
    /// Every right.
    pub const ALL: [Right; 5] = [Right::Select, Right::Insert, Right::Update, Right::Delete, Right::Create];

    /// Its name in a GRANT.
    pub fn as_str(self) -> &'static str {
        match self {
            Right::Select => "SELECT",
            Right::Insert => "INSERT",
            Right::Update => "UPDATE",
            Right::Delete => "DELETE",
            Right::Create => "CREATE",
        }
    }

    /// A statement that needs this right on the table, no other one, and changes nothing.
    fn statement(self, table: Table, name: &str) -> String {
        match self {
            Right::Select => format!("SELECT * FROM {name} WHERE FALSE"),
            Right::Insert => {
                let (column, value) = table.column();
                format!("INSERT INTO {name} ({column}) SELECT {value} FROM DUAL WHERE FALSE")
            }
            Right::Update => {
                let (column, value) = table.column();
                format!("UPDATE {name} SET {column} = {value} WHERE FALSE")
            }
            Right::Delete => format!("DELETE FROM {name} WHERE FALSE"),
            // Its model is not there, so this always fails; but a missing CREATE is noticed first.
            Right::Create => {
                let model = name.replace(table.as_str(), "queryfleet_no_such_table");
                format!("CREATE TABLE {name} LIKE {model}")
            }
        }
    }
}

/// Access denied to a database, a table, a column.
pub(crate) const DENIED: [u16; 3] = [DATABASE_DENIED, TABLE_DENIED, COLUMN_DENIED];

fn answer(right: Right, answered: Result<(), Error>) -> Result<Answer, Error> {
    let Err(error) = answered else { return Ok(Answer::Granted) };
    let Some(code) = error.code() else { return Err(error) };
    let words = error.source_text();
    Ok(match (right, code) {
        // What is denied here may be SELECT on the model, and then CREATE has been granted.
        (Right::Create, TABLE_DENIED) if !words.contains(Right::Create.as_str()) => Answer::Granted,
        (Right::Create, NO_SUCH_TABLE | TABLE_EXISTS) => Answer::Granted,
        (Right::Insert, NO_DEFAULT) => Answer::Granted,
        (_, NO_SUCH_TABLE) => Answer::NoTable,
        _ if DENIED.contains(&code) => Answer::Denied,
        _ => Answer::Unclear(words),
    })
}

/// Tries every right on every table, with statements that change nothing.
pub(crate) async fn rights(client: &mut LedgerClient) -> Result<Vec<Probe>, Error> {
    let mut probes = Vec::new();
    for table in Table::ALL {
        let tables = &client.database.tables;
        let name = match table {
            Table::Meta => &tables.meta,
            Table::Run => &tables.run,
            Table::Ledger => &tables.ledger,
            Table::Dead => &tables.dead,
            Table::Worker => &tables.worker,
            Table::Range => &tables.range,
            Table::Hold => &tables.hold,
            Table::Place => &tables.place,
            Table::Limit => &tables.limit,
            Table::Permit => &tables.permit,
            Table::Rate => &tables.rate,
            Table::Governor => &tables.governor,
            Table::Event => &tables.event,
        };
        let name = name.clone();
        for right in Right::ALL {
            let statement = right.statement(table, &name);
            let answered = client.ask("try a right", async |conn| conn.query_drop(statement).await).await;
            probes.push(Probe { table, right, answer: answer(right, answered)? });
        }
    }
    Ok(probes)
}
