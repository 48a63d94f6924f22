//! Who is connected to the test's database, and what runs there.

use mysql_async::Row;

use crate::{Client, Fleet};

/// A session of the database.
#[derive(Clone, Debug)]
pub struct Session {
    /// As KILL takes it.
    pub id: u64,
    /// `Query`, `Sleep` and the like.
    pub command: String,
    /// For how many seconds it has done that.
    pub seconds: i64,
    /// What it executes; empty when that is nothing.
    pub text: String,
}

impl Fleet {
    /// The sessions of the test's database, but not that of who asks here.
    #[track_caller]
    pub fn sessions(&self) -> Vec<Session> {
        self.client().try_sessions().expect("the database lists its sessions")
    }

    /// How many statements with this text run in the test's database.
    #[track_caller]
    pub fn running(&self, text: &str) -> usize {
        self.sessions().iter().filter(|session| session.text.contains(text)).count()
    }
}

impl Client {
    /// The other sessions of this client's database. By SHOW: a query of information_schema.processlist fails on MySQL
    /// with 3854 while any session runs bound binary values.
    ///
    /// # Errors
    /// What the server or the driver said.
    pub fn try_sessions(&mut self) -> Result<Vec<Session>, mysql_async::Error> {
        let own = self.try_rows::<(u64, Option<String>)>("SELECT CONNECTION_ID(), DATABASE()")?;
        let (own, database) = own.into_iter().next().expect("a row");
        let all = self.try_rows::<Row>("SHOW FULL PROCESSLIST")?;
        let of_database = |row: &Row| text(row, "db") == database;
        let session = |row: &Row| Session {
            id: row.get("Id").expect("a number"),
            command: text(row, "Command").unwrap_or_default(),
            // NULL while it is being made.
            seconds: row.get::<Option<_>, _>("Time").flatten().unwrap_or_default(),
            text: text(row, "Info").unwrap_or_default(),
        };
        let ours = all.iter().filter(|row| of_database(row)).map(session);
        Ok(ours.filter(|session| session.id != own).collect())
    }
}

/// A column as text, whatever bytes a statement holds; `None` for NULL.
fn text(row: &Row, column: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = row.get(column).expect("a column of the process list");
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
