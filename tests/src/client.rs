//! A client of the database that is none of the program's.

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Conn, Opts, OptsBuilder};

use crate::servers::runtime;

/// One connection, blocking.
pub struct Client {
    conn: Conn,
}

impl Client {
    pub(crate) fn connect(url: &str) -> Client {
        let opts =
            OptsBuilder::from_opts(Opts::from_url(url).expect("a URL of the stack's")).prefer_socket(false);
        Client { conn: runtime().block_on(Conn::new(opts)).expect("the database lets the tests in") }
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
        runtime().block_on(self.conn.query(sql)).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The driver ends its connection in a task, for which it wants to stand in a runtime.
        let _inside = runtime().enter();
    }
}
