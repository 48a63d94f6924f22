//! What the person on call does with a fleet: see how runs stand, cancel and purge them, look at dead jobs and decide
//! about each, make the tables and the queues, and check every precondition of exactly once.
//!
//! [`Operator`] asks and changes one ledger over one connection. [`doctor()`] looks at both servers, and stands apart because
//! it has to say something of servers that cannot be used at all.

mod approve;
mod board;
mod cancel;
mod dead;
mod doctor;
mod error;
mod events;
mod export;
mod filter;
mod hold;
mod limit;
mod purge;
mod queue;
mod replay;
mod setup;
mod shape;
mod status;
mod workers;

use std::sync::Arc;

use queryfleet_broker::Broker;
use queryfleet_config::Config;
use queryfleet_ledger::{Database, LedgerClient};

pub use board::{Board, RunProgress};
pub use dead::{DeadDetails, DeadGroup};
pub use doctor::{Finding, Level, Role, doctor};
pub use error::Error;
pub use export::ExportFormat;
pub use filter::DeadFilter;
pub use hold::{Lift, Obedience};
pub use limit::{Candidate, LimitChange, LimitStanding, MOST_PERMITS};
pub use purge::{PURGE_AFTER_H, Purged};
pub use queue::{QueueStanding, Waiting};
pub use replay::{ReplayPreview, Taken};
pub use setup::Ready;
pub use status::{Canary, RunDetails};
pub use workers::WorkerStanding;

/// One ledger and the person who is responsible for it.
pub struct Operator {
    config: Config,
    database: Arc<Database>,
    ledger: LedgerClient,
    /// Who acts, for the events.
    who: String,
    /// The connection that [`Operator::watching`] keeps.
    broker: Option<Broker>,
    keeps_broker: bool,
}

impl Operator {
    /// Prepares a connection to the database that the configuration names; it is made at the first question.
    ///
    /// # Errors
    /// [`Error::Ledger`] when the database's URL or a file for TLS is unusable.
    pub fn new(config: &Config) -> Result<Operator, Error> {
        let database = Arc::new(Database::new(config)?);
        let ledger = LedgerClient::new(database.clone());
        Ok(Operator {
            config: config.clone(),
            database,
            ledger,
            who: queryfleet_config::login_name(),
            broker: None,
            keeps_broker: false,
        })
    }
}
