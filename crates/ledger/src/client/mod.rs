//! What is asked of the ledger beside the slots: runs, dead jobs, counts, ranges, workers, and the tables themselves. No job is executed here.
//!
//! [`LedgerClient`] has one view for each subject; a view borrows the connection for as long as it is used.

pub(crate) mod ddl;
pub(crate) mod dead_jobs;
pub(crate) mod events;
pub(crate) mod given_up;
pub(crate) mod governors;
pub(crate) mod halts;
pub(crate) mod holds;
pub(crate) mod jobs;
mod kept;
pub(crate) mod limits;
pub(crate) mod permits;
pub(crate) mod places;
pub(crate) mod ranges;
pub(crate) mod rates;
pub(crate) mod replacing;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod standing;
pub(crate) mod workers;

use queryfleet_job::LedgerId;

use crate::client::dead_jobs::DeadJobs;
use crate::client::events::Events;
use crate::client::governors::Governors;
use crate::client::halts::Halts;
use crate::client::holds::Holds;
use crate::client::jobs::Jobs;
use crate::client::limits::Limits;
use crate::client::permits::Permits;
use crate::client::places::Places;
use crate::client::ranges::Ranges;
use crate::client::rates::Rates;
use crate::client::runs::Runs;
use crate::client::workers::Workers;
use crate::connection::LedgerClient;
use crate::error::Error;
use crate::inspect::Inspect;

impl LedgerClient {
    /// The rows of runs: create, find, publish, cancel, purge.
    pub fn runs(&mut self) -> Runs<'_> {
        Runs { client: self }
    }

    /// The jobs of a run that have ended: counted, cancelled.
    pub fn jobs(&mut self) -> Jobs<'_> {
        Jobs { client: self }
    }

    /// Dead jobs: read, replayed, discarded.
    pub fn dead_jobs(&mut self) -> DeadJobs<'_> {
        DeadJobs { client: self }
    }

    /// The ranges of a run that publishes a table in ranges.
    pub fn ranges(&mut self) -> Ranges<'_> {
        Ranges { client: self }
    }

    /// Where the jobs of a run stand in its input: written, looked up.
    pub fn places(&mut self) -> Places<'_> {
        Places { client: self }
    }

    /// The rows of workers: heartbeats, and what they have seen.
    pub fn workers(&mut self) -> Workers<'_> {
        Workers { client: self }
    }

    /// The holds of a queue: placed, read, lifted.
    pub fn holds(&mut self) -> Holds<'_> {
        Holds { client: self }
    }

    /// The limits of queues: read, changed.
    pub fn limits(&mut self) -> Limits<'_> {
        Limits { client: self }
    }

    /// The permits of limited queues: taken, given back, freed.
    pub fn permits(&mut self) -> Permits<'_> {
        Permits { client: self }
    }

    /// The rates of queues: claimed.
    pub fn rates(&mut self) -> Rates<'_> {
        Rates { client: self }
    }

    /// The governors of queues: their lease, and what they have found.
    pub fn governors(&mut self) -> Governors<'_> {
        Governors { client: self }
    }

    /// What people have done: noted, read.
    pub fn events(&mut self) -> Events<'_> {
        Events { client: self }
    }

    /// The guards of runs: at how many dead jobs they hold their queue.
    pub fn halts(&mut self) -> Halts<'_> {
        Halts { client: self }
    }

    /// What the server says of itself, of this account and of its tables.
    pub fn inspect(&mut self) -> Inspect<'_> {
        Inspect { client: self }
    }

    /// Creates the tables, or brings those of an older version up to this one. Returns this ledger's identity.
    ///
    /// # Errors
    /// [`Error::Schema`] when the tables are of a newer version, are not InnoDB, or one of them is gone.
    pub async fn setup(&mut self) -> Result<LedgerId, Error> {
        schema::setup(self).await
    }

    /// This ledger's identity, after checking that the tables are of this program's version.
    ///
    /// # Errors
    /// [`Error::Schema`] when `queryfleet setup` has not been run, or was run by another version.
    pub async fn identity(&mut self) -> Result<LedgerId, Error> {
        schema::identity(self).await
    }
}
