//! Limiting a queue: how many slots of all its workers may have a message at once, and how many jobs begin per second,
//! however many workers there are.

use std::time::Instant;

use queryfleet_job::{Limit, Signer};
use queryfleet_ledger::{LimitRow, NewLimit};

use crate::hold::{ACKNOWLEDGE_TIMEOUT, LOOK_INTERVAL, Standpoint, UNAWARE_TIMEOUT};
use crate::{Error, Obedience, Operator};

/// The most permits that a queue has.
pub const MOST_PERMITS: u32 = 10_000;

/// A change of a limit. What is `None` stays as it is; the inner `None` takes a limit away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LimitChange {
    /// The slots.
    pub slots: Option<Option<u32>>,
    /// Jobs per second.
    pub rate: Option<Option<f64>>,
}

impl LimitChange {
    /// Whether nothing changes.
    pub fn is_none(&self) -> bool {
        *self == LimitChange::default()
    }

    fn apply(&self, limit: Limit) -> Limit {
        Limit { slots: self.slots.unwrap_or(limit.slots), rate: self.rate.unwrap_or(limit.rate) }
    }
}

/// The limit of a queue, and how it is used.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitStanding {
    /// What is allowed.
    pub limit: Limit,
    /// The row, if anybody has ever set a limit.
    pub row: Option<LimitRow>,
    /// Permits that have an owner.
    pub in_use: u32,
}

impl Operator {
    /// The limit of the queue.
    ///
    /// # Errors
    /// [`Error::NoLimits`] if the tables have none, [`Error::Limit`] if the row cannot be read; [`Error::Ledger`] when the
    /// database cannot be asked.
    pub async fn limit(&mut self) -> Result<LimitStanding, Error> {
        let queue = self.config.queue.clone();
        let row = self.ledger.limits().of_queue(&queue).await?.ok_or(Error::NoLimits)?;
        let limit = match &row {
            None => Limit::default(),
            Some(row) => {
                let signature = row.signature.as_deref();
                Limit::read(&queue, row.version, &row.terms, signature, self.signer().as_ref())?
            }
        };
        let in_use = self.ledger.permits().in_use(&queue).await?;
        Ok(LimitStanding { limit, row, in_use })
    }

    /// Changes the limit of the queue. It is in force for jobs that begin after every worker has seen it: see
    /// [`obedience_to_limit`](Self::obedience_to_limit).
    ///
    /// # Errors
    /// [`Error::NoLimits`] if the tables have none, [`Error::LimitChanged`] if somebody else has changed it meanwhile; nothing
    /// is changed then. [`Error::Ledger`] when the database fails: [`limit`](Self::limit) says what is in force.
    pub async fn set_limit(
        &mut self,
        change: &LimitChange,
        by: &str,
        because: &str,
    ) -> Result<LimitStanding, Error> {
        let queue = self.config.queue.clone();
        let row = self.ledger.limits().of_queue(&queue).await?.ok_or(Error::NoLimits)?;
        let version = row.as_ref().map_or(0, |row| row.version);
        // One that cannot be read, since a key was lost or a newer program has written it, is replaced as a whole.
        let before = row.and_then(|row| {
            let signature = row.signature.as_deref();
            Limit::read(&queue, version, &row.terms, signature, self.signer().as_ref()).ok()
        });
        let limit = change.apply(before.unwrap_or_default());
        if let Some(slots) = limit.slots {
            self.ledger.permits().make(&queue, slots).await?;
        }
        if limit.rate.is_some() {
            self.ledger.rates().reset(&queue).await?;
        }
        let version = version.saturating_add(1);
        let terms = limit.encode();
        let signature = self.signer().map(|signer| signer.sign_limit(&queue, version, &terms));
        let new =
            NewLimit { queue: &queue, version, terms: &terms, by, because, signature: signature.as_deref() };
        if !self.ledger.limits().set(&new).await? {
            return Err(Error::LimitChanged);
        }
        self.limit().await
    }

    /// Waits until every live worker of the queue obeys this version of its limit, at most ten seconds. Workers that know of
    /// no limits are waited for only shortly.
    ///
    /// # Errors
    /// [`Error::Ledger`] when the database cannot be asked.
    pub async fn obedience_to_limit(&mut self, version: u32) -> Result<Obedience, Error> {
        let queue = self.config.queue.clone();
        let live = self.live_within();
        let since = Instant::now();
        loop {
            let workers = self.ledger.limits().of_workers(&queue, live).await?;
            let workers = workers.into_iter().map(|worker| Standpoint {
                name: worker.name,
                in_flight: worker.in_flight,
                has_seen: worker.limit_version.map(|seen| seen >= version),
            });
            let obedience = Obedience::of(workers, since.elapsed());
            let is_heard = obedience.silent.is_empty() || since.elapsed() >= ACKNOWLEDGE_TIMEOUT;
            if is_heard && (obedience.unaware.is_empty() || since.elapsed() >= UNAWARE_TIMEOUT) {
                return Ok(obedience);
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    fn signer(&self) -> Option<Signer> {
        Signer::new(self.config.signing_keys.iter().map(|key| key.expose().as_bytes()))
    }
}
