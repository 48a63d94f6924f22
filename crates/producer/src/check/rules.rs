//! What statements are checked against, on the server at hand.

use queryfleet_config::Config;
use queryfleet_job::NotAtomic;
use queryfleet_ledger::{Catalog, Database, LedgerClient};
use queryfleet_sql::SqlMode;

use crate::check::sets::settings::Settings;
use crate::check::sets::state::Server;
use crate::{Error, PublishRequest};

/// RabbitMQ 4 takes no message above this size; a job stays below it with room for the rest of the envelope.
const MESSAGE_LIMIT: usize = 16 << 20;
/// Room in the server's packet for the ledger's statements around a job's.
const PACKET_ROOM: usize = 64 << 10;

/// What statements are checked against.
pub(crate) struct Rules {
    /// Of a session of the run.
    pub(crate) mode: SqlMode,
    /// Bytes of a statement, and of a job in its message, at most.
    pub(crate) limit: usize,
    pub(crate) not_atomic: Option<NotAtomic>,
    pub(crate) allow_no_where: bool,
    pub(crate) catalog: Catalog,
    /// What every session of the run has.
    pub(crate) settings: Settings,
}

impl Rules {
    /// Those of an order, on the server at hand.
    ///
    /// # Errors
    /// As connecting and querying can fail.
    pub(crate) async fn new(
        config: &Config,
        request: &PublishRequest<'_>,
        database: &Database,
        control: &mut LedgerClient,
    ) -> Result<Rules, Error> {
        let facts = database.facts(request.session_sql).await?;
        let collations = database.collations(request.session_sql).await?;
        Ok(Rules {
            mode: facts.sql_mode,
            limit: MESSAGE_LIMIT.min(facts.max_allowed_packet as usize).saturating_sub(PACKET_ROOM),
            not_atomic: request.not_atomic,
            allow_no_where: request.allow_no_where,
            catalog: control.inspect().catalog().await?,
            settings: Settings::new(
                config.session_sql.as_deref(),
                request.session_sql,
                facts.sql_mode,
                Server { version: facts.version, collations },
            ),
        })
    }
}
