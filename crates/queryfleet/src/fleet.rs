//! The servers and settings of a fleet, and what a program does with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use queryfleet_config::{Config, variables};
use queryfleet_ledger::{Database, LedgerClient};

use crate::input::{Input, take_all};
use crate::operator::Operator;
use crate::outcomes::Outcomes;
use crate::publish::Options;
use crate::run::{End, RunStatus, Wait};
use crate::task::{Reports, where_it_may_block};
use crate::waits_for::WaitsFor;
use crate::worker::{OwnWorker, Worker};
use crate::{Error, ErrorKind, Progress, Publish, Published, RunEnd, Task};

/// The servers and settings of one queue. Making one connects to nothing; a clone is another handle of the same.
#[derive(Clone, Debug)]
pub struct Fleet {
    config: Config,
}

impl Fleet {
    /// As the environment has it: `QUERYFLEET_AMQP_URL`, `QUERYFLEET_MYSQL_URL` and the rest of docs/environment.md.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], with the variable that is unknown, not usable or, if it is one of these two, missing.
    pub fn from_env() -> Result<Fleet, Error> {
        Fleet::of(Config::from_env().map_err(Error::of_config)?)
    }

    /// Settings that are given one by one; the environment is not read.
    pub fn builder() -> FleetBuilder {
        FleetBuilder::default()
    }

    /// The fleet of a configuration that the binary has read; not part of the interface.
    #[doc(hidden)]
    pub fn of_binary(config: &Config) -> Fleet {
        Fleet { config: config.clone() }
    }

    fn of(mut config: Config) -> Result<Fleet, Error> {
        config.amqp_urls().map_err(Error::of_config)?;
        config.mysql_url().map_err(Error::of_config)?;
        if !config.was_given(&variables::METRICS_LISTEN) {
            // A library opens no port that nobody asked for.
            config.metrics_listen = None;
        }
        Ok(Fleet { config })
    }

    /// Publishes statements as a run, and ends when the broker has confirmed the last job. Workers execute them, here or
    /// elsewhere. A statement that is refused publishes nothing at all.
    ///
    /// When it is dropped, or fails, what was published so far is executed, and the same publish under the same name goes on
    /// behind it.
    pub fn publish(&self, request: Publish) -> Task<Published> {
        let config = self.config.clone();
        Task::new(|reports| async move {
            request.check()?;
            let input = take_all(request.statements).await?;
            publish(config, input, request.options, move |progress| reports.say(progress)).await
        })
    }

    /// What a publish would do, for `queryfleet plan`; not part of the interface.
    ///
    /// # Errors
    /// If the input cannot be read, or if the database fails.
    #[doc(hidden)]
    pub async fn plan(
        &self,
        request: Publish,
        explain_all: bool,
    ) -> Result<queryfleet_producer::Plan, Error> {
        request.check()?;
        let config = self.config.clone();
        let input = take_all(request.statements).await?;
        where_it_may_block(move || async move {
            let request = request.options.request(&input);
            let plan = queryfleet_producer::plan(&config, &request, explain_all).await;
            plan.map_err(|error| input.error(error))
        })
        .await
    }

    /// Waits for the end of a run. Dropping it changes nothing.
    pub fn wait(&self, run: impl Into<Wait>) -> Task<RunEnd> {
        let (config, run) = (self.config.clone(), run.into());
        Task::new(|reports| async move { wait(&config, &run, &reports).await })
    }

    /// What `map` is to a pool of processes: publishes statements, executes them with so many slots of this process beside
    /// whatever other workers serve the queue, and waits for the end of the run. Missing tables and queues are made.
    ///
    /// When it is dropped, running statements are ended and given back, in the background of the runtime; what is published
    /// waits for a worker; and the same call with the same name goes on.
    pub fn run(&self, request: Publish, slots: usize) -> Task<RunEnd> {
        let fleet = self.clone();
        Task::new(|reports| async move { fleet.publish_work_and_wait(request, slots, reports).await })
    }

    async fn publish_work_and_wait(
        self,
        request: Publish,
        slots: usize,
        reports: Reports,
    ) -> Result<RunEnd, Error> {
        // Before there is a run.
        request.check()?;
        self.worker().slots(slots).check()?;
        let mut operator = self.operator()?;
        if operator.needs_setup().await? {
            operator.setup().await?;
        }
        drop(operator);
        let input = take_all(request.statements).await?;
        let mut own = OwnWorker::new(self.worker().slots(slots));
        let start = own.when_checked();
        let run = async {
            let reports_of_publish = reports.clone();
            let say = move |progress: Progress| {
                if matches!(progress, Progress::Publishing { .. }) {
                    start();
                }
                reports_of_publish.say(progress);
            };
            let published = publish(self.config.clone(), input, request.options, say).await?;
            wait(&self.config, &Wait::new(published.name), &reports).await
        };
        let ended = tokio::select! {
            ended = run => ended,
            worked = own.ended() => {
                worked?;
                return Err(Error::new(ErrorKind::Internal, "the worker has ended before the run"));
            }
        };
        own.drain(std::future::pending()).await?;
        ended
    }

    /// A worker for the queue, in this process.
    pub fn worker(&self) -> Worker {
        Worker::of(self.config.clone())
    }

    /// What a person on call does.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the URL of the database is not usable.
    pub fn operator(&self) -> Result<Operator, Error> {
        Operator::of(&self.config)
    }

    /// The jobs of a run as they end.
    ///
    /// # Errors
    /// [`RunFault::Unknown`](crate::RunFault), or when the database is unavailable or refuses.
    pub async fn outcomes(&self, run: &str) -> Result<Outcomes, Error> {
        let database = Database::new(&self.config).map_err(Error::of_ledger)?;
        Outcomes::of(LedgerClient::new(Arc::new(database)), run).await
    }
}

async fn publish(
    config: Config,
    input: Input,
    options: Options,
    mut say: impl FnMut(Progress) + Send + 'static,
) -> Result<Published, Error> {
    where_it_may_block(move || async move {
        let mut progress = |progress: queryfleet_producer::Progress<'_>| say(of_publish(progress));
        let request = options.request(&input);
        let published = queryfleet_producer::publish(&config, &request, &mut progress).await;
        published.map(Published::of).map_err(|error| input.error(error))
    })
    .await
}

fn of_publish(progress: queryfleet_producer::Progress<'_>) -> Progress {
    match progress {
        queryfleet_producer::Progress::Checking { jobs, input } => {
            Progress::Checking { jobs, bytes_read: input.read, bytes: input.total }
        }
        queryfleet_producer::Progress::Publishing { name, confirmed, total, waits, .. } => {
            Progress::Publishing {
                run: name.to_owned(),
                confirmed,
                total,
                waits_for: waits.map(WaitsFor::of_publish),
            }
        }
    }
}

async fn wait(config: &Config, wait: &Wait, reports: &Reports) -> Result<RunEnd, Error> {
    let mut progress = |standing: &queryfleet_ledger::Standing,
                        reason: Option<&queryfleet_producer::Reason>| {
        reports.say(Progress::Running {
            status: RunStatus::from(standing),
            waits_for: reason.map(WaitsFor::of_run),
        });
    };
    let (ended, standing) = queryfleet_producer::wait(config, &wait.run, wait.patience(), &mut progress)
        .await
        .map_err(Error::of_producer)?;
    Ok(RunEnd { end: End::of(ended), status: RunStatus::from(&standing) })
}

/// Settings of a fleet. No `Debug`: it holds passwords.
#[derive(Clone, Default)]
#[must_use]
pub struct FleetBuilder {
    variables: BTreeMap<String, String>,
}

impl FleetBuilder {
    /// The broker, as `amqp://USER:PASSWORD@HOST:5672/VHOST`; several, separated by commas, are the nodes of one cluster.
    pub fn amqp_url(self, url: impl Into<String>) -> FleetBuilder {
        self.set("QUERYFLEET_AMQP_URL", url)
    }

    /// The database, as `mysql://USER:PASSWORD@HOST:3306/DATABASE`.
    pub fn mysql_url(self, url: impl Into<String>) -> FleetBuilder {
        self.set("QUERYFLEET_MYSQL_URL", url)
    }

    /// The queue, `default` without this.
    pub fn queue(self, name: impl Into<String>) -> FleetBuilder {
        self.set("QUERYFLEET_QUEUE", name)
    }

    /// Any setting of docs/environment.md, by the name of its variable.
    pub fn set(mut self, variable: impl Into<String>, value: impl Into<String>) -> FleetBuilder {
        self.variables.insert(variable.into(), value.into());
        self
    }

    /// Reads what was set.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], as [`Fleet::from_env`].
    pub fn build(self) -> Result<Fleet, Error> {
        Fleet::of(Config::from_vars(self.variables).map_err(Error::of_config)?)
    }
}
