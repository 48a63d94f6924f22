//! A client of the database that is none of the program's.

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Conn, Opts, OptsBuilder};

use crate::servers::runtime;

/// One connection, blocking.
pub struct Client {
    conn: Conn,
}

impl Client {
    /// A client of the server of a URL.
    ///
    /// # Panics
    /// When it cannot connect.
    pub fn connect(url: &str) -> Client {
        Client::try_connect(url).expect("the database lets the tests in")
    }

    /// For a database that may be down.
    pub(crate) fn try_connect(url: &str) -> Result<Client, mysql_async::Error> {
        let opts =
            OptsBuilder::from_opts(Opts::from_url(url).expect("a URL of the stack's")).prefer_socket(false);
        Ok(Client { conn: runtime().block_on(Conn::new(opts))? })
    }

    /// Runs one statement or several, and throws the rows away.
    ///
    /// # Errors
    /// What the server said.
    pub fn run(&mut self, sql: &str) -> Result<(), mysql_async::Error> {
        runtime().block_on(self.conn.query_drop(sql))
    }

    /// The rows of a query.
    ///
    /// # Panics
    /// When the server refuses it.
    pub fn rows<T: FromRow + Send + 'static>(&mut self, sql: &str) -> Vec<T> {
        self.try_rows(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The same of a database that may be down.
    ///
    /// # Errors
    /// What the server or the driver said.
    pub fn try_rows<T: FromRow + Send + 'static>(&mut self, sql: &str) -> Result<Vec<T>, mysql_async::Error> {
        runtime().block_on(self.conn.query(sql))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The driver ends its connection in a task, for which it wants to stand in a runtime.
        let _inside = runtime().enter();
    }
}
