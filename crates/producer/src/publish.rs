//! Publishing a run: check all of its input, find or make its row, then publish.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use broker::{Broker, Topology};
use config::Config;
use job::{NotAtomic, RunId, Signer};
use ledger::{Control, Database, Facts};

use crate::batch::Window;
use crate::check::Jobs;
use crate::cut::Cut;
use crate::input::{Input, Source};
use crate::prefix::Prefix;
use crate::publishing::Publishing;
use crate::{Error, run};

/// RabbitMQ 4 takes no message above this size; a statement stays below it with room for the envelope.
pub(crate) const MESSAGE_LIMIT: usize = 16 << 20;
/// Room in the server's packet for the ledger's statements around a job's.
const PACKET_ROOM: usize = 64 << 10;
/// The largest chunk: a transaction of so many statements is no longer a small one.
const LARGEST_CHUNK: usize = 10_000;

/// What is asked to be published.
pub struct Order<'a> {
    /// Where its jobs come from.
    pub source: Source<'a>,
    /// The run's name: a new run when none has it, else that run is gone on with. `None`: a new name.
    pub name: Option<&'a str>,
    /// Jobs a message.
    pub chunk: usize,
    /// Session SQL of the run.
    pub session_sql: Option<&'a str>,
    /// How statements that are not atomic are to be run.
    pub not_atomic: Option<NotAtomic>,
    /// Publish a new run although one of the same input has not ended.
    pub again: bool,
    /// Publish those jobs again that the ledger does not have, of a run that was published before.
    pub missing: bool,
}

/// What has been published.
#[derive(Clone, Debug)]
pub struct Published {
    /// The run's id.
    pub run: RunId,
    /// Its name.
    pub name: String,
    /// Jobs in all.
    pub total: u64,
    /// Jobs that an earlier publish had confirmed already, or with `missing`, that the ledger has.
    pub before: u64,
}

/// How far publishing has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The run's name, which publishes on after an interruption.
    pub name: &'a str,
    /// Jobs that the broker has confirmed.
    pub confirmed: u64,
    /// Jobs in all.
    pub total: u64,
}

/// Publishes the whole input and returns when the broker has confirmed the last job. `progress` hears the
/// run's name before anything is published, and then how far it has come.
///
/// # Errors
/// Bad input publishes nothing. Anything later leaves the run to be gone on with: publish again under its name.
pub async fn publish(
    config: &Config,
    order: &Order<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Published, Error> {
    if !(1..=LARGEST_CHUNK).contains(&order.chunk) {
        return Err(Error::Chunk(order.chunk));
    }
    let database = Arc::new(Database::new(config)?);
    let topology = Topology::new(&config.queue, &config.retry_tiers, config.delivery_limit)?;
    let broker = Arc::new(Broker::new(config, "producer")?);
    let facts = database.facts(order.session_sql).await?;
    let mut control = Control::new(database.clone());
    let mut cut = Cut::of(order, &mut control, &database, facts.sql_mode).await?;
    // Of a table that is yet to be cut: one range of it, so that a bad statement makes no run.
    let mut inputs = match &cut {
        Some(cut) => vec![cut.sample()?],
        None => order.source.inputs(facts.sql_mode)?,
    };
    let mut whole = check_all(jobs(&inputs, &facts, order), &inputs)?;
    if let Some(cut) = &mut cut {
        cut.try_out(&mut control).await?;
    }
    let digest = cut.as_ref().map_or_else(|| whole.digest(), Cut::digest);
    let ledger = control.identity().await?;
    broker.declare(&topology).await?;
    let run = run::find_or_create(&mut control, order, &config.queue, &digest).await?;
    if let Some(cut) = &cut {
        inputs = vec![cut.input(&mut control, run.id).await?];
        whole = check_all(jobs(&inputs, &facts, order), &inputs)?;
    }
    progress(Progress { name: &run.name, confirmed: run.confirmed, total: whole.jobs });
    let signer = Signer::new(config.signing_keys.iter().map(|key| key.expose().as_bytes()));
    let window = Window::new(broker.clone(), &topology, config.confirm_window, config.backoff_max);
    let mut publishing = Publishing {
        source: named(&inputs),
        run,
        ledger,
        signer,
        control,
        window,
        noted: Instant::now(),
        total: whole.jobs,
    };
    let published = publishing.all(order, jobs(&inputs, &facts, order), &whole, progress).await;
    broker.close().await;
    published
}

/// The jobs of all inputs, from the first one on.
fn jobs<'a>(inputs: &'a [Input], facts: &Facts, order: &Order<'_>) -> Jobs<'a> {
    let limit = MESSAGE_LIMIT.min(facts.max_allowed_packet as usize).saturating_sub(PACKET_ROOM);
    Jobs::new(inputs, facts.sql_mode, order.not_atomic, limit)
}

/// The first pass: nothing is published before all of the input is known to be good.
fn check_all(mut jobs: Jobs<'_>, inputs: &[Input]) -> Result<Prefix, Error> {
    let mut prefix = Prefix::default();
    while let Some(checked) = jobs.next()? {
        prefix.add(&checked.job);
    }
    if prefix.jobs == 0 {
        return Err(Error::Empty(named(inputs)));
    }
    Ok(prefix)
}

/// The inputs as one name, for messages.
fn named(inputs: &[Input]) -> PathBuf {
    inputs.iter().map(|input| input.name().display().to_string()).collect::<Vec<_>>().join(", ").into()
}
