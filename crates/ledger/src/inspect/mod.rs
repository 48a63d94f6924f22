//! What the server says of itself: rights, settings, tables and what they reach, plans of statements.

pub(crate) mod catalog;
pub(crate) mod collations;
pub(crate) mod columns;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod load;
pub(crate) mod replicas;
pub(crate) mod rights;
pub(crate) mod running;
pub(crate) mod trial;
pub(crate) mod writing;

use queryfleet_job::RunId;
use queryfleet_sql::SqlMode;

use crate::connection::LedgerClient;
use crate::error::Error;
use crate::inspect::catalog::Catalog;
use crate::inspect::columns::TableColumn;
use crate::inspect::doctor::{Settings, TableEngine};
use crate::inspect::rights::{Probe, Table};
use crate::inspect::running::RunningStatement;
use crate::inspect::writing::Written;
use crate::range::key::Key;
use crate::range::{key, moves};

/// What the server says of itself, of this account and of its tables; see [`LedgerClient::inspect`].
pub struct Inspect<'a> {
    pub(crate) client: &'a mut LedgerClient,
}

impl Inspect<'_> {
    /// All tables, views, triggers and routines that this account may see, and what of them leads out of a transaction.
    /// Takes about a second where there are many.
    ///
    /// # Errors
    /// [`Error::Query`] and the errors of connecting.
    pub async fn catalog(&mut self) -> Result<Catalog, Error> {
        catalog::load::load(self.client).await
    }

    /// The statement of a run that has been running for longest, as far as this account may see it.
    ///
    /// # Errors
    /// [`Error::Query`] and the errors of connecting.
    pub async fn longest_running(&mut self, run: RunId) -> Result<Option<RunningStatement>, Error> {
        running::longest_running(self.client, run).await
    }

    /// The statements of jobs, of all runs, that are being executed, the longest first, as far as this account may see them.
    /// What each waits for is not looked up.
    ///
    /// # Errors
    /// [`Error::Query`] and the errors of connecting.
    pub async fn running(&mut self) -> Result<Vec<RunningStatement>, Error> {
        running::running(self.client).await
    }

    /// Host and port of each server that may be a replica of this one, as far as this account may see it.
    ///
    /// # Errors
    /// [`Error::Query`] and the errors of connecting.
    pub async fn replicas(&mut self) -> Result<Vec<(String, u16)>, Error> {
        replicas::replicas(self.client).await
    }

    /// The values of status variables of the whole server. One that is not there, or is no number, is left out.
    ///
    /// # Errors
    /// [`Error::Query`] and the errors of connecting.
    pub async fn status(&mut self, variables: &[&str]) -> Result<Vec<(String, f64)>, Error> {
        load::status(self.client, variables).await
    }

    /// How many sessions of queryfleet, of any queue, execute a statement now, with the one that asks, as far as this account
    /// may see sessions.
    ///
    /// # Errors
    /// [`Error::Query`] and the errors of connecting.
    pub async fn own_running(&mut self) -> Result<u32, Error> {
        load::own_running(self.client).await
    }

    /// The one value of a query, in a transaction that can write nothing.
    ///
    /// # Errors
    /// [`Error::Schema`] if it is not one row of one number.
    pub async fn one_number(&mut self, query: &str) -> Result<f64, Error> {
        load::one_number(self.client, query).await
    }

    /// The time in UTC, by the server's clock, when so much will have passed, as `YYYY-MM-DD HH:MM:SS`.
    ///
    /// # Errors
    /// [`Error::Query`] and the errors of connecting.
    pub async fn utc_after(&mut self, time: std::time::Duration) -> Result<String, Error> {
        load::utc_after(self.client, time).await
    }

    /// The settings that the promise or a worker depends on. Needs no right.
    ///
    /// # Errors
    /// [`Error::Query`] and the errors of connecting.
    pub async fn settings(&mut self) -> Result<Settings, Error> {
        doctor::settings(self.client).await
    }

    /// The tables of queryfleet and their engines. The server hides a table from accounts that have no right to it.
    ///
    /// # Errors
    /// [`Error::Query`] and the errors of connecting.
    pub async fn tables(&mut self) -> Result<Vec<TableEngine>, Error> {
        doctor::tables(self.client).await
    }

    /// Tries every right on every table of queryfleet, with statements that change nothing.
    ///
    /// # Errors
    /// The errors of connecting. What the server refuses is an [`Answer`](crate::Answer).
    pub async fn rights(&mut self) -> Result<Vec<Probe>, Error> {
        rights::rights(self.client).await
    }

    /// Writes a row that belongs to nobody into a table of queryfleet, and rolls it back.
    ///
    /// # Errors
    /// The errors of connecting. What the server says to the row is in [`Written`].
    pub async fn try_write(&mut self, table: Table) -> Result<Written, Error> {
        writing::try_write(self.client, table).await
    }

    /// The columns of all tables and views with one of these names, in any database.
    ///
    /// # Errors
    /// [`Error::Query`] and the errors of connecting.
    pub async fn columns_of(&mut self, tables: &[String]) -> Result<Vec<TableColumn>, Error> {
        columns::columns_of(self.client, tables).await
    }

    /// The unique key of a table over just these columns. Without a database: that of the URL.
    ///
    /// # Errors
    /// [`Error::Key`] with the reason why there is none.
    pub async fn key(&mut self, database: Option<&str>, table: &str, columns: &[&str]) -> Result<Key, Error> {
        key::find_key(self.client, database, table, columns).await
    }

    /// Why a statement may move rows of the key's table into later ranges, or add rows to it. `None` when it does not, as
    /// far as its own text, the views and triggers that this account may read, and foreign keys say.
    ///
    /// # Errors
    /// [`Error::Query`] and the errors of connecting.
    pub async fn why_moves(&mut self, key: &Key, sql: &str, mode: SqlMode) -> Result<Option<String>, Error> {
        moves::why_moves(self.client, key, sql, mode).await
    }
}
