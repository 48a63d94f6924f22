//! One connection of the bench's own: a client process for every question would take CPU from what is measured.

use std::cell::RefCell;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder};
use tokio::runtime::Runtime;

use crate::Fault;

/// A blocking connection.
pub(crate) struct Sql {
    runtime: Runtime,
    conn: RefCell<Conn>,
}

impl Sql {
    pub(crate) fn connect(url: &str) -> Result<Sql, Fault> {
        let opts = OptsBuilder::from_opts(Opts::from_url(url)?).prefer_socket(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let conn = runtime.block_on(Conn::new(opts))?;
        Ok(Sql { runtime, conn: RefCell::new(conn) })
    }

    /// Runs a statement, or several.
    pub(crate) fn run(&self, sql: &str) -> Result<(), Fault> {
        Ok(self.runtime.block_on(self.conn.borrow_mut().query_drop(sql))?)
    }

    /// The one number that a query answers; 0 when it answers nothing.
    pub(crate) fn number(&self, sql: &str) -> Result<f64, Fault> {
        let answer: Option<f64> = self.runtime.block_on(self.conn.borrow_mut().query_first(sql))?;
        Ok(answer.unwrap_or_default())
    }

    /// A counter of the server, over all sessions.
    pub(crate) fn counter(&self, name: &str) -> Result<usize, Fault> {
        let sql = format!("SHOW GLOBAL STATUS LIKE '{name}'");
        let answer: Option<(String, usize)> =
            self.runtime.block_on(self.conn.borrow_mut().query_first(sql))?;
        Ok(answer.ok_or("the server has no such counter")?.1)
    }
}
