//! Limiting a queue: how many slots of all its workers may have a message at once, and how many jobs begin per second,
//! however many workers there are.

use std::time::{Duration, Instant};

use queryfleet_job::{Limit, OTHERS_RUNNING, Signer, Threshold};
use queryfleet_ledger::{GovernorRow, LimitRow, NewLimit, Replica, RunningStatement};
use queryfleet_sql::{Kind, SqlMode};

use crate::hold::{ACKNOWLEDGE_TIMEOUT, LOOK_INTERVAL, Standpoint, UNAWARE_TIMEOUT};
use crate::{Error, Obedience, Operator};

/// The most permits that a queue has.
pub const MOST_PERMITS: u32 = 10_000;

/// How long a throttle query may take.
const TRY_TIMEOUT: Duration = Duration::from_secs(1);

/// A change of a limit. What is `None` stays as it is; the inner `None` takes a limit away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LimitChange {
    /// The slots.
    pub slots: Option<Option<u32>>,
    /// Jobs per second.
    pub rate: Option<Option<f64>>,
    /// The lag of a replica, in seconds.
    pub max_lag: Option<Option<f64>>,
    /// Replicas that are not looked at.
    pub without: Option<Vec<String>>,
    /// Loads that stop the fleet for as long as they last.
    pub max_load: Option<Vec<Threshold>>,
    /// Loads that hold the queue.
    pub critical_load: Option<Vec<Threshold>>,
    /// A query whose value above 0 stops the fleet.
    pub throttle_query: Option<Option<String>>,
    /// A URL that answers 200 while jobs may begin.
    pub throttle_http: Option<Option<String>>,
    /// The hours in which jobs begin.
    pub window: Option<Option<String>>,
    /// How many seconds before their end none begins any more.
    pub window_margin: Option<Option<u32>>,
    /// For how long the checks restrict nothing.
    pub ignore: Option<Option<Duration>>,
}

impl LimitChange {
    /// Whether nothing changes.
    pub fn is_none(&self) -> bool {
        *self == LimitChange::default()
    }

    /// The limit after this change; `ignore_until` is when the time of `ignore` ends.
    fn apply(self, limit: Limit, ignore_until: Option<String>) -> Limit {
        Limit {
            slots: self.slots.unwrap_or(limit.slots),
            rate: self.rate.unwrap_or(limit.rate),
            max_lag: self.max_lag.unwrap_or(limit.max_lag),
            without: self.without.unwrap_or(limit.without),
            max_load: self.max_load.unwrap_or(limit.max_load),
            critical_load: self.critical_load.unwrap_or(limit.critical_load),
            throttle_query: self.throttle_query.unwrap_or(limit.throttle_query),
            throttle_http: self.throttle_http.unwrap_or(limit.throttle_http),
            window: self.window.unwrap_or(limit.window),
            window_margin: self.window_margin.unwrap_or(limit.window_margin),
            ignore_until: if self.ignore.is_some() { ignore_until } else { limit.ignore_until },
        }
    }
}

/// A server that may be a replica whose lag can be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// host:port.
    pub replica: String,
    /// Why it cannot be looked at, if so.
    pub error: Option<String>,
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
    /// What the checks have found last, if the limit has any.
    pub governor: Option<GovernorRow>,
    /// The statement of a job, of any queue, that has been running for longest, if that is longer than the lag that is allowed: a replica may
    /// take as long for it. As far as this account may see statements.
    pub outlasts_lag: Option<RunningStatement>,
}

impl LimitStanding {
    /// What the checks have found last, as the governor has written it: a list.
    pub fn checks(&self) -> serde_json::Value {
        let written = self.governor.as_ref().and_then(|governor| governor.checks.as_deref());
        written.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

impl Operator {
    /// The limit of the queue.
    ///
    /// # Errors
    /// [`Error::NoLimits`] if the tables have none, [`Error::Limit`] if the row cannot be read; [`Error::Ledger`] when the
    /// database cannot be asked.
    pub async fn limit(&mut self) -> Result<LimitStanding, Error> {
        let queue = self.config.queue.clone();
        let row = self.limit_row().await?;
        let limit = match &row {
            None => Limit::default(),
            Some(row) => {
                let signature = row.signature.as_deref();
                Limit::read(&queue, row.version, &row.terms, signature, self.signer().as_ref())?
            }
        };
        let in_use = self.ledger.permits().in_use(&queue).await?;
        let governor = match limit.has_checks() {
            true => self.ledger.governors().of_queue(&queue).await?,
            false => None,
        };
        let outlasts_lag = match limit.max_lag {
            // A right that is missing takes this away, and nothing else.
            Some(lag) => {
                let running = self.ledger.inspect().running().await.unwrap_or_default();
                running.into_iter().next().filter(|longest| longest.seconds as f64 >= lag)
            }
            None => None,
        };
        Ok(LimitStanding { limit, row, in_use, governor, outlasts_lag })
    }

    /// Changes the limit of the queue. It is in force for jobs that begin after every worker has seen it: see
    /// [`obedience_to_limit`](Self::obedience_to_limit).
    ///
    /// # Errors
    /// [`Error::NoLimits`] if the tables have none, [`Error::Check`] if a check cannot be made, [`Error::LimitChanged`] if somebody else has changed it meanwhile; nothing
    /// is changed then. [`Error::Ledger`] when the database fails: [`limit`](Self::limit) says what is in force.
    pub async fn set_limit(
        &mut self,
        change: LimitChange,
        by: &str,
        because: &str,
    ) -> Result<LimitStanding, Error> {
        let row = self.limit_row().await?;
        self.replace_limit(row, change, by, because).await
    }

    /// Changes the limit of the queue as [`set_limit`](Self::set_limit) does, unless somebody else than `by` has set it.
    /// Returns also whether it was kept for that.
    ///
    /// # Errors
    /// As [`set_limit`](Self::set_limit).
    pub async fn set_default_limit(
        &mut self,
        change: LimitChange,
        by: &str,
        because: &str,
    ) -> Result<(LimitStanding, bool), Error> {
        let row = self.limit_row().await?;
        if row.as_ref().is_some_and(|row| row.changed_by != by) {
            return Ok((self.limit().await?, true));
        }
        Ok((self.replace_limit(row, change, by, because).await?, false))
    }

    async fn limit_row(&mut self) -> Result<Option<LimitRow>, Error> {
        self.ledger.limits().of_queue(&self.config.queue).await?.ok_or(Error::NoLimits)
    }

    /// Writes a change of the limit that this row has, if it still is the row.
    async fn replace_limit(
        &mut self,
        row: Option<LimitRow>,
        change: LimitChange,
        by: &str,
        because: &str,
    ) -> Result<LimitStanding, Error> {
        let queue = self.config.queue.clone();
        let version = row.as_ref().map_or(0, |row| row.version);
        // One that cannot be read, since a key was lost or a newer program has written it, is replaced as a whole.
        let before = row.and_then(|row| {
            let signature = row.signature.as_deref();
            Limit::read(&queue, version, &row.terms, signature, self.signer().as_ref()).ok()
        });
        let ignore_until = match change.ignore {
            Some(Some(time)) => Some(self.ledger.inspect().utc_after(time).await?),
            _ => None,
        };
        let limit = change.apply(before.clone().unwrap_or_default(), ignore_until);
        self.try_checks(&limit).await?;
        if limit.has_checks() {
            self.ledger.governors().make(&queue).await?;
        }
        if let Some(slots) = limit.slots {
            self.ledger.permits().make(&queue, slots).await?;
        }
        if limit.rate.is_some() {
            self.ledger.rates().make(&queue).await?;
        }
        let version = version.saturating_add(1);
        let terms = limit.encode();
        let signature = self.signer().map(|signer| signer.sign_limit(&queue, version, &terms));
        let new =
            NewLimit { queue: &queue, version, terms: &terms, by, because, signature: signature.as_deref() };
        if !self.ledger.limits().set(&new).await? {
            return Err(Error::LimitChanged);
        }
        // What was claimed under another rate, and what other checks have found, says nothing about this one.
        let before = before.unwrap_or_default();
        if limit.rate.is_some() && limit.rate != before.rate {
            self.ledger.rates().reset(&queue).await?;
        }
        if limit.has_checks() && !limit.has_same_checks(&before) {
            self.ledger.governors().reset(&queue).await?;
        }
        let because = if because.is_empty() { String::new() } else { format!(": {because}") };
        self.note("limit", None, &format!("{limit}{because}")).await;
        self.limit().await
    }

    /// Looks for replicas of the jobs' server, and tries to read the governor's beat on each, with the account of the jobs'
    /// server. Nothing is changed.
    ///
    /// # Errors
    /// [`Error::Ledger`] when the database cannot be asked.
    pub async fn discover(&mut self) -> Result<Vec<Candidate>, Error> {
        let queue = self.config.queue.clone();
        let mut candidates = Vec::new();
        for (host, port) in self.ledger.inspect().replicas().await? {
            let mut replica = Replica::at(&self.config, (&host, port))?;
            let error = replica.beat(&queue).await.err().map(|error| queryfleet_job::causes(&error));
            candidates.push(Candidate { replica: replica.name().to_owned(), error });
        }
        Ok(candidates)
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

    /// Tries every check once: one that cannot be made would hold the fleet.
    async fn try_checks(&mut self, limit: &Limit) -> Result<(), Error> {
        let refused = |text: String| Err(Error::Check(text));
        if let Some(window) = limit.window().map_err(queryfleet_job::LimitError::from)?
            && window.length() <= limit.window_margin.unwrap_or(0).into()
        {
            return refused(format!("with this margin the window {window} never opens"));
        }
        let loads = limit.max_load.iter().chain(&limit.critical_load);
        let variables: Vec<&str> =
            loads.map(|load| load.variable.as_str()).filter(|name| *name != OTHERS_RUNNING).collect();
        let known = self.ledger.inspect().status(&variables).await?;
        if let Some(unknown) = variables.iter().find(|name| !known.iter().any(|(known, _)| known == *name)) {
            return refused(format!("the server has no number {unknown} among its status variables"));
        }
        if let Some(query) = &limit.throttle_query {
            self.try_query(query).await?;
        }
        if limit.max_lag.is_some() {
            self.try_replicas(limit).await?;
        }
        Ok(())
    }

    async fn try_query(&mut self, query: &str) -> Result<(), Error> {
        let refused = |text: String| Err(Error::Check(text));
        let kind = queryfleet_sql::inspect(query, SqlMode::default()).map(|inspected| inspected.kind);
        if !matches!(kind, Ok(Kind::Select | Kind::With)) {
            return refused("the throttle query is not one SELECT".into());
        }
        match tokio::time::timeout(TRY_TIMEOUT, self.ledger.inspect().one_number(query)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => refused(queryfleet_job::causes(&error)),
            Err(_) => refused("the throttle query takes longer than a second".into()),
        }
    }

    async fn try_replicas(&mut self, limit: &Limit) -> Result<(), Error> {
        let refused = |text: String| Err(Error::Check(text));
        let replicas = Replica::all(&self.config)?;
        if replicas.is_empty() {
            return refused("QUERYFLEET_REPLICAS names no replica whose lag could be looked at".into());
        }
        if let Some(other) = limit.without.iter().find(|name| !replicas.iter().any(|it| it.name() == *name)) {
            let names: Vec<&str> = replicas.iter().map(Replica::name).collect();
            return refused(format!("{other} is no replica of QUERYFLEET_REPLICAS: {}", names.join(", ")));
        }
        let mut looked_at = replicas
            .into_iter()
            .filter(|replica| !limit.without.iter().any(|name| name == replica.name()))
            .peekable();
        if looked_at.peek().is_none() {
            return refused("no replica is left to look at".into());
        }
        for mut replica in looked_at {
            if let Err(error) = replica.beat(&self.config.queue).await {
                return refused(queryfleet_job::causes(&error));
            }
        }
        Ok(())
    }

    fn signer(&self) -> Option<Signer> {
        Signer::new(self.config.signing_keys.iter().map(|key| key.expose().as_bytes()))
    }
}
