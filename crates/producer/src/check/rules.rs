//! What the statements of a run are checked against, on the server at hand.

use queryfleet_config::Config;
use queryfleet_ledger::{Catalog, Database, LedgerClient};

use crate::Error;
use crate::check::settings::run_settings::RunSettings;
use crate::check::settings::variables::Server;
use crate::check::statement::Rules;
use crate::request::PublishRequest;

/// RabbitMQ 4 takes no message above this size; a job stays below it with room for the rest of the envelope.
const MESSAGE_LIMIT_BYTES: usize = 16 << 20;
/// Room in the server's packet for the ledger's statements around a job's.
const ROOM_FOR_LEDGER_BYTES: usize = 64 << 10;

/// All that the statements of a run are checked against.
pub(crate) struct RunRules {
    pub(crate) statement: Rules,
    /// The tables, views, triggers and routines of the server.
    pub(crate) catalog: Catalog,
    /// What every session of the run has.
    pub(crate) settings: RunSettings,
}

impl RunRules {
    /// Asks the server for those of a request.
    ///
    /// # Errors
    /// Returns [`Error::Ledger`] if the database cannot be reached or rejects a query.
    pub(crate) async fn load(
        config: &Config,
        request: &PublishRequest<'_>,
        database: &Database,
        client: &mut LedgerClient,
    ) -> Result<RunRules, Error> {
        let facts = database.facts(request.session_sql).await?;
        let collations = database.collations(request.session_sql).await?;
        let limit_bytes =
            MESSAGE_LIMIT_BYTES.min(facts.max_allowed_packet as usize).saturating_sub(ROOM_FOR_LEDGER_BYTES);
        Ok(RunRules {
            statement: Rules {
                mode: facts.sql_mode,
                limit_bytes,
                not_atomic: request.not_atomic,
                allow_no_where: request.allow_no_where,
            },
            catalog: client.inspect().catalog().await?,
            settings: RunSettings::new(
                config.session_sql.as_deref(),
                request.session_sql,
                facts.sql_mode,
                Server { version: facts.version, collations },
            ),
        })
    }
}
