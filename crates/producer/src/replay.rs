//! Replaying dead jobs: each runs once more, exactly once, also when the replay dies in the middle.

use std::collections::BTreeMap;
use std::sync::Arc;

use broker::{Broker, Publisher, Route, Topology};
use config::Config;
use job::{Message, Signer, envelope};
use ledger::{Control, Filter, Replaying};

use crate::Error;

/// Jobs that are taken, published and marked at a time.
const AT_ONCE: u32 = 500;

/// Brings the dead jobs of a filter back and answers how many. A crash leaves at most [`AT_ONCE`] of them as
/// `replaying`; the next replay publishes those again, and doubles meet on the ledger.
///
/// # Errors
/// As broker and database can fail; what was published stays published.
pub async fn replay(config: &Config, control: &mut Control, filter: &Filter) -> Result<u64, Error> {
    let broker = Arc::new(Broker::new(config, "replay")?);
    let signer = Signer::new(config.signing_keys.iter().map(|key| key.expose().as_bytes()));
    let until = control.now().await?;
    let mut replayed = 0;
    loop {
        let taken = match control.begin_replay(filter, &until, AT_ONCE).await {
            // Workers write dead rows meanwhile.
            Err(error) if error.is_deadlock() => continue,
            taken => taken?,
        };
        if taken.is_empty() {
            break;
        }
        for (queue, jobs) in by_queue(&taken) {
            let topology = Topology::new(queue, &config.retry_tiers, config.delivery_limit)?;
            let messages: Result<Vec<Message>, Error> =
                jobs.iter().map(|job| message(job, signer.as_ref())).collect();
            let messages = messages?;
            Publisher::new(broker.clone(), topology).publish(Route::Work, &messages).await?;
        }
        let ids: Vec<u64> = taken.iter().map(|job| job.id).collect();
        control.end_replay(&ids).await?;
        replayed += ids.len() as u64;
    }
    broker.close().await;
    Ok(replayed)
}

fn by_queue(taken: &[Replaying]) -> BTreeMap<&str, Vec<&Replaying>> {
    let mut queues = BTreeMap::<&str, Vec<&Replaying>>::new();
    for job in taken {
        queues.entry(&job.queue).or_default().push(job);
    }
    queues
}

/// The job's message, with no attempts counted: a person has decided that it is worth all of them.
fn message(job: &Replaying, signer: Option<&Signer>) -> Result<Message, Error> {
    let chunk = envelope::decode(&job.envelope).map_err(|source| Error::DeadRow { id: job.id, source })?;
    Ok(envelope::seal(&chunk, signer, 0, None))
}
