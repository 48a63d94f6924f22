//! Every precondition of exactly once, one finding each. This file asks the servers; the others judge what they say.

mod broker_checks;
mod database_checks;
mod finding;
mod rights;

use std::sync::Arc;

use queryfleet_broker::{Broker, Error, Publisher, Route, Topology};
use queryfleet_config::Config;
use queryfleet_job::{Headers, Message, causes};
use queryfleet_ledger::{Database, LedgerClient, RunSession, Session, Table, Written};

pub use finding::{Finding, Level};
pub use rights::Role;

/// No queue has this name: it holds what a queue's may not.
const NOWHERE: &str = "nowhere, says doctor";

/// Looks at both servers and returns what it found: of the database, then of the broker. With `only` the database rights
/// of one part of the program are checked. Changes nothing but a queue's missing binding.
///
/// It cannot fail: a server that cannot be reached or used is a finding of [`Level::Fail`].
pub async fn doctor(config: &Config, only: Option<Role>) -> Vec<Finding> {
    let (database, broker) = tokio::join!(look_at_database(config, only), look_at_broker(config));
    [database, broker].concat()
}

async fn look_at_database(config: &Config, only: Option<Role>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(failed) = ask_database(config, only, &mut findings).await {
        findings.push(failed);
    }
    findings
}

/// Adds what it finds, up to the first question that gets no answer.
async fn ask_database(
    config: &Config,
    only: Option<Role>,
    findings: &mut Vec<Finding>,
) -> Result<(), Finding> {
    let unusable = |error: queryfleet_ledger::Error| {
        let check = match &error {
            queryfleet_ledger::Error::Init { .. } | queryfleet_ledger::Error::SessionSql(_) => "session",
            error if error.is_tls() => database_checks::TLS,
            _ => "database",
        };
        Finding::fail(check, causes(&error), "")
    };
    let database = Arc::new(Database::new(config).map_err(unusable)?);
    let session = database.facts(None).await.map_err(unusable)?;
    let schema = database.schema();
    let lock_wait_s = config.lock_wait_timeout().as_secs();
    findings.extend(database_checks::session(&database.server(), schema, &session, lock_wait_s));
    let mut ledger = LedgerClient::new(database.clone());
    let settings = ledger.inspect().settings().await.map_err(unusable)?;
    findings.extend(database_checks::settings(&settings, session.max_allowed_packet, database.is_verified()));
    let visible = ledger.inspect().tables().await.map_err(unusable)?;
    let probes = ledger.inspect().rights().await.map_err(unusable)?;
    let missing = rights::missing_tables(&probes);
    let identity = ledger.identity().await;
    let set_up = !matches!(&identity, Err(queryfleet_ledger::Error::Schema(_)));
    let identity = identity.map(|ledger| ledger.to_string()).map_err(|error| causes(&error));
    let tried = tried(&database, &mut ledger, only).await.map_err(unusable)?;
    findings.push(database_checks::writable(&settings, &tried));
    findings.push(database_checks::tables(schema, &visible, &missing, &identity));
    findings.extend(rights::rights(only, set_up, schema, &settings.account, &probes));
    let catalog = ledger.inspect().catalog().await.map_err(unusable)?;
    findings.extend(rights::seen(only, &settings.account, &catalog.unseen(schema)));
    findings.push(database_checks::engines(&catalog.of_database(schema)));
    Ok(())
}

/// Writes what each part writes, and rolls it back.
async fn tried(
    database: &Arc<Database>,
    ledger: &mut LedgerClient,
    only: Option<Role>,
) -> Result<Vec<(&'static str, Written)>, queryfleet_ledger::Error> {
    let asked = |role| only.is_none_or(|only| only == role);
    let mut tried = Vec::new();
    if asked(Role::Publish) {
        tried.push(("a run", ledger.inspect().try_write(Table::Run).await?));
    }
    if asked(Role::Work) {
        // As a slot does before it takes a message, in a session like those of the jobs.
        let mut session = Session::new(database.clone());
        session.prepare(RunSession::NONE).await?;
        let probed = session.probe().await;
        session.close().await;
        tried.push(("the rows of a job and of a dead one", Written::of(probed)?));
        tried.push(("a worker's row", ledger.inspect().try_write(Table::Worker).await?));
    }
    if only == Some(Role::Operate) {
        tried.push(("a row of the ledger", ledger.inspect().try_write(Table::Ledger).await?));
    }
    Ok(tried)
}

async fn look_at_broker(config: &Config) -> Vec<Finding> {
    let mut findings =
        vec![broker_checks::consumer_timeout(config.statement_timeout, config.pressure_timeout)];
    let broker = match Broker::new(config, "doctor") {
        Ok(broker) => Arc::new(broker),
        Err(error) => {
            let check = if error.is_tls() { broker_checks::TLS } else { "broker" };
            return [vec![Finding::fail(check, causes(&error), "")], findings].concat();
        }
    };
    let links: Vec<_> = broker.inspect_urls().await.into_iter().map(|link| link.map_err(lost)).collect();
    findings.splice(0..0, broker_checks::links(&links));
    if let Some(link) = links.iter().flatten().next() {
        findings.push(broker_checks::heartbeats(config, link.heartbeat_s));
        findings.extend(look_at_queues(config, &broker).await.unwrap_or_else(|failed| vec![failed]));
    }
    broker.close().await;
    findings
}

fn lost(error: Error) -> broker_checks::Lost {
    broker_checks::Lost { tls: error.is_tls(), text: causes(&error) }
}

async fn look_at_queues(config: &Config, broker: &Arc<Broker>) -> Result<Vec<Finding>, Finding> {
    let failed = |error: Error| Finding::fail("queues", causes(&error), "");
    let topology =
        Topology::new(&config.queue, &config.retry_tiers, config.delivery_limit).map_err(failed)?;
    // First, because it makes nothing: to declare a queue that is not there would make it.
    let depth = broker.depth(&topology).await.map_err(failed)?;
    broker.declare(&topology).await.map_err(failed)?;
    let queues = broker_checks::queues(&topology, config);
    let published = publish_nowhere(config, broker).await;
    let policies = look_at_policies(config, broker, &topology).await;
    Ok([
        &queues[..],
        &policies,
        &broker_checks::depth(&topology, &depth),
        &[broker_checks::publishing(published)],
    ]
    .concat())
}

/// What policies make of the queues, where somebody can be asked.
async fn look_at_policies(config: &Config, broker: &Broker, topology: &Topology) -> Vec<Finding> {
    let asked = match broker.management(config) {
        Ok(None) => return vec![broker_checks::policies_unseen()],
        Ok(Some(management)) => management.policies(topology).await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(policies) => broker_checks::policies(topology, &policies),
        Err(error) => vec![Finding::fail("policies", causes(&error), "")],
    }
}

/// Publishes a message that no queue takes, which has to come back: nothing is left of it. `None` when the broker does not
/// answer, as under an alarm.
async fn publish_nowhere(config: &Config, broker: &Arc<Broker>) -> Option<Result<(), String>> {
    let nowhere = Topology::new(NOWHERE, &config.retry_tiers, config.delivery_limit).ok()?;
    let message =
        Message { id: "doctor".into(), body: b"queryfleet doctor".to_vec(), headers: Headers::default() };
    let mut publisher = Publisher::new(broker.clone(), nowhere);
    let publishing = publisher.publish_all(Route::Work, std::slice::from_ref(&message));
    match tokio::time::timeout(config.connect_timeout, publishing).await {
        Ok(Ok(()) | Err(Error::Unroutable { .. })) => Some(Ok(())),
        Ok(Err(error)) => Some(Err(causes(&error))),
        Err(_) => None,
    }
}
