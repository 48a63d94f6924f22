//! The stages of a publish, in their order.

use std::sync::Arc;
use std::time::Instant;

use queryfleet_broker::{Broker, Topology};
use queryfleet_config::Config;
use queryfleet_job::{Backoff, LedgerId, Manifest, Signer};
use queryfleet_ledger::{Database, LedgerClient, Run};

use crate::check::Jobs;
use crate::check::rules::RunRules;
use crate::grouping::Grouping;
use crate::notice::Notice;
use crate::publish::batch::{BatchOptions, Window};
use crate::publish::digest::InputDigest;
use crate::publish::manifest;
use crate::publish::milestones::Milestones;
use crate::publish::pace::Pace;
use crate::publish::places::Places;
use crate::publish::progress::{JOBS_PER_REPORT, Progress, Published};
use crate::publish::publishing::Publishing;
use crate::publish::replacing::Replacement;
use crate::publish::run::{InputIdentity, RunFinder, check_name};
use crate::publish::source::OpenSource;
use crate::request::{ChunkSize, LARGEST_CHUNK};
use crate::wait::observer::heard_within_s;
use crate::{Error, PublishRequest};

/// A request, with all that it takes to publish it.
pub(crate) struct Publication<'a> {
    config: &'a Config,
    request: &'a PublishRequest<'a>,
    database: Arc<Database>,
    client: LedgerClient,
    ledger: LedgerId,
    broker: Arc<Broker>,
    topology: Topology,
    rules: RunRules,
    source: OpenSource<'a>,
    /// What this run replaces.
    replacement: Option<Replacement>,
}

/// What the first pass has seen.
pub(crate) struct CheckedInput {
    /// Of all jobs, of which there is at least one.
    digest: InputDigest,
    identity: InputIdentity,
}

impl<'a> Publication<'a> {
    /// Looks at the request, connects to the servers, asks for the rules, and opens the source.
    ///
    /// # Errors
    /// Returns an error if the request is wrong, if a server fails, or if an input cannot be opened.
    pub(crate) async fn prepare(
        config: &'a Config,
        request: &'a PublishRequest<'a>,
    ) -> Result<Publication<'a>, Error> {
        if let ChunkSize::Jobs(jobs) = request.chunk
            && !(1..=LARGEST_CHUNK).contains(&jobs)
        {
            return Err(Error::Chunk(jobs));
        }
        let database = Arc::new(Database::new(config)?);
        let topology = Topology::new(&config.queue, &config.retry_tiers, config.delivery_limit)?;
        let broker = Arc::new(Broker::new(config, "producer")?);
        let mut client = LedgerClient::new(database.clone());
        if let Some(name) = request.name {
            check_name(&mut client, name).await?;
        }
        let ledger = client.identity().await?;
        let rules = RunRules::load(config, request, &database, &mut client).await?;
        let source = OpenSource::open(request, &mut client, &database, rules.statement.mode).await?;
        if let (Some(sha256), [input]) = (request.sha256, source.inputs()) {
            input.verify_sha256(sha256)?;
        }
        let replacement = match request.replaces {
            Some(run) => {
                let limit = rules.statement.limit_bytes;
                Some(Replacement::find(&mut client, request, run, source.inputs(), limit).await?)
            }
            None => None,
        };
        Ok(Publication {
            config,
            request,
            database,
            client,
            ledger,
            broker,
            topology,
            rules,
            source,
            replacement,
        })
    }

    /// The first pass: nothing is published before the whole input is known to be good.
    ///
    /// # Errors
    /// Returns the first problem of the input, or [`Error::Empty`].
    pub(crate) async fn check_all(
        &self,
        progress: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Result<CheckedInput, Error> {
        let mut jobs = Jobs::new(self.source.inputs(), &self.rules);
        let mut digest = InputDigest::default();
        let mut milestones = Milestones::default();
        while let Some(checked) = jobs.next()? {
            digest.add(&checked.job);
            milestones.pass(&digest);
            if digest.jobs.is_multiple_of(JOBS_PER_REPORT) {
                progress(Progress::Checking { jobs: digest.jobs, input: jobs.read_so_far() });
                // Nothing else in this loop waits, and Ctrl-C is to be noticed.
                tokio::task::yield_now().await;
            }
        }
        if digest.jobs == 0 {
            return Err(Error::Empty(self.source.names()));
        }
        let identity = self.source.identity(&digest, milestones);
        Ok(CheckedInput { digest, identity })
    }

    /// The run of the request's name, which is resumed, or a new one.
    ///
    /// # Errors
    /// Returns an error if the run of that name is another one, or takes no more jobs, or if a server fails.
    pub(crate) async fn find_or_create_run(&mut self, checked: &CheckedInput) -> Result<Run, Error> {
        self.source.prepare_run(&mut self.client).await?;
        declare(&self.broker, &self.topology, self.config).await?;
        let finder = RunFinder {
            request: self.request,
            queue: &self.config.queue,
            identity: &checked.identity,
            inputs: self.source.inputs(),
            rules: &self.rules,
        };
        finder.find_or_create(&mut self.client).await
    }

    /// Makes the inputs those of the run. Files stay as they are; a table is cut into ranges, which are checked like any
    /// other rows.
    ///
    /// # Errors
    /// Returns an error if the table cannot be cut, or if a range is refused.
    pub(crate) async fn materialise(
        &mut self,
        run: &Run,
        checked: CheckedInput,
        progress: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Result<CheckedInput, Error> {
        if self.source.materialise(&mut self.client, run.id).await? {
            return self.check_all(progress).await;
        }
        Ok(checked)
    }

    /// The second pass: writes the manifest, then chunks and publishes what is not confirmed yet.
    ///
    /// # Errors
    /// Returns an error if the run was begun as something else or was cancelled, or if a server fails for good.
    pub(crate) async fn publish(
        mut self,
        run: Run,
        checked: CheckedInput,
        progress: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Result<Published, Error> {
        let Publication { config, request, .. } = self;
        let signer = Signer::new(config.signing_keys.iter().map(|key| key.expose().as_bytes()));
        let ours = self.manifest(&run, &checked);
        let (run, manifest) = manifest::write(&mut self.client, run, &ours, signer.as_ref()).await?;
        if let Some(halt) = request.halt {
            self.client.halts().set(run.id, halt).await?;
        }
        let replaced = match &self.replacement {
            Some(replacement) => replacement.discard(&mut self.client, &run).await?,
            None => 0,
        };
        let grouping = Grouping::new(
            request.chunk,
            Pace::most_jobs(request.limits),
            checked.digest.jobs,
            self.database.explainer(request.session_sql),
            &self.rules,
        );
        let batch =
            BatchOptions { backoff_max: config.backoff_max, signer: signer.clone(), notice: Arc::default() };
        let window_size = Pace::window_size(request.limits, config.confirm_window, grouping.most());
        let publishing = Publishing {
            request,
            grouping,
            jobs: Jobs::new(self.source.inputs(), &self.rules),
            checked: checked.digest,
            source: self.source.names(),
            ledger: self.ledger,
            manifest,
            signer,
            client: self.client,
            window: Window::new(self.broker.clone(), &self.topology, window_size, batch),
            pace: Pace::new(request.limits, self.broker.clone(), &self.topology),
            places: Places::default(),
            backoff_max: config.backoff_max,
            notice: Notice::default(),
            progress,
            pending: None,
            batched_jobs: 0,
            confirmed: if request.missing { 0 } else { run.confirmed },
            noted_at: Instant::now(),
            waits: None,
            canary: run.canary,
            heard_within_s: heard_within_s(config),
            run,
        };
        let published = publishing.run().await;
        self.broker.close().await;
        published.map(|published| Published { replaced, ..published })
    }

    /// What the run is published as, from this request and from nothing that the table holds.
    fn manifest(&self, run: &Run, checked: &CheckedInput) -> Manifest {
        // One of as many jobs as there are guards nothing.
        let asked = self.request.canary.filter(|canary| *canary < checked.digest.jobs);
        let canary = asked.or(run.canary);
        Manifest {
            v: match canary {
                None => queryfleet_job::manifest::VERSION,
                Some(_) => queryfleet_job::manifest::WITH_CANARY,
            },
            ledger: self.ledger.clone(),
            run: run.id,
            queue: self.config.queue.clone(),
            schema: self.database.schema().to_owned(),
            session_sql: self.request.session_sql.map(str::to_owned),
            not_atomic: self.request.not_atomic,
            input: queryfleet_job::hex(&checked.identity.digest),
            total: checked.digest.jobs,
            canary,
        }
    }
}

/// Declares the topology. A broker that refuses for now, at a limit of connections or with its virtual host down, is
/// waited for as long as `wait` waits for a database.
async fn declare(
    broker: &Broker,
    topology: &Topology,
    config: &Config,
) -> Result<(), queryfleet_broker::Error> {
    let since = Instant::now();
    let notice = Notice::default();
    let mut backoff = Backoff::new(config.backoff_max);
    loop {
        match broker.declare(topology).await {
            Err(error) if error.is_refusal_for_now() && since.elapsed() < config.missing_timeout => {
                notice.warn("publishing waits", &error);
                tokio::time::sleep(backoff.pause()).await;
            }
            declared => return declared,
        }
    }
}
