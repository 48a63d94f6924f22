//! The source of a publish, opened.

use std::path::PathBuf;
use std::sync::Arc;

use queryfleet_job::RunId;
use queryfleet_ledger::{Database, LedgerClient};
use queryfleet_sql::SqlMode;

use crate::Error;
use crate::input::Input;
use crate::input::spool::spool_error;
use crate::input::template::Template;
use crate::publish::digest::InputDigest;
use crate::publish::milestones::Milestones;
use crate::publish::run::InputIdentity;
use crate::range::cutter::RangeCutter;
use crate::request::{PublishRequest, Source};

/// Where the jobs of a publish come from.
pub(crate) enum OpenSource<'a> {
    /// Files, which are what they are before there is a run.
    Files(Vec<Input>),
    /// A table. It is cut for a run, so until there is one, a single range stands for all of them.
    Table(Box<RangeCutter<'a>>, Vec<Input>),
}

impl<'a> OpenSource<'a> {
    /// Opens the source of a request. What can be read only once is copied.
    ///
    /// # Errors
    /// Returns an error if an input cannot be copied, if the template or the key is none, or if the database fails.
    pub(crate) async fn open(
        request: &PublishRequest<'a>,
        client: &mut LedgerClient,
        database: &Arc<Database>,
        mode: SqlMode,
    ) -> Result<OpenSource<'a>, Error> {
        match request.source {
            Source::Files(names) => {
                let mut inputs = Vec::with_capacity(names.len());
                for name in names {
                    inputs.push(Input::new(name, request.format, None).await?);
                }
                Ok(OpenSource::Files(inputs))
            }
            Source::Rows { template, rows, dialect } => {
                let mut template = Template::parse(template, mode)?;
                template.dialect = dialect;
                template.find_types(client, mode).await?;
                let input = Input::new(rows, request.format, Some(Arc::new(template))).await?;
                Ok(OpenSource::Files(vec![input]))
            }
            Source::Written(file) => {
                let file = file.try_clone().map_err(|source| spool_error("jobs".as_ref(), source))?;
                Ok(OpenSource::Files(vec![Input::written("jobs", file, None)]))
            }
            Source::Range(ranges) => {
                let cutter = RangeCutter::new(ranges, request, client, database.clone(), mode).await?;
                let sample = cutter.sample()?;
                Ok(OpenSource::Table(Box::new(cutter), vec![sample]))
            }
        }
    }

    /// The inputs as far as there are any.
    pub(crate) fn inputs(&self) -> &[Input] {
        match self {
            OpenSource::Files(inputs) | OpenSource::Table(_, inputs) => inputs,
        }
    }

    /// The names of the inputs, for messages.
    pub(crate) fn names(&self) -> PathBuf {
        let names: Vec<String> =
            self.inputs().iter().map(|input| input.name().display().to_string()).collect();
        names.join(", ").into()
    }

    /// What the run is known by, given the digest of the inputs. A table is known by the request: the jobs change it.
    pub(crate) fn identity(&self, digest: &InputDigest, milestones: Milestones) -> InputIdentity {
        match self {
            OpenSource::Files(_) => InputIdentity { digest: digest.digest(), milestones: Some(milestones) },
            OpenSource::Table(cutter, _) => InputIdentity { digest: cutter.digest(), milestones: None },
        }
    }

    /// Prepares for a new run: learns the size of ranges, where that is asked for.
    ///
    /// # Errors
    /// Returns an error if the statement cannot be tried, or fails.
    pub(crate) async fn prepare_run(&mut self, client: &mut LedgerClient) -> Result<(), Error> {
        match self {
            OpenSource::Files(_) => Ok(()),
            OpenSource::Table(cutter, _) => cutter.learn_size(client).await,
        }
    }

    /// Makes the inputs those of this run, and returns whether they are others than before.
    ///
    /// # Errors
    /// Returns an error if the table is empty, or if the database fails.
    pub(crate) async fn materialise(&mut self, client: &mut LedgerClient, run: RunId) -> Result<bool, Error> {
        match self {
            OpenSource::Files(_) => Ok(false),
            OpenSource::Table(cutter, inputs) => {
                *inputs = vec![cutter.cut(client, run).await?];
                Ok(true)
            }
        }
    }
}
