//! Publishing a run.

pub(crate) mod batch;
pub(crate) mod digest;
pub(crate) mod manifest;
pub(crate) mod milestones;
pub(crate) mod pace;
pub(crate) mod places;
pub(crate) mod progress;
pub(crate) mod publication;
pub(crate) mod publishing;
pub(crate) mod replacing;
pub(crate) mod run;
pub(crate) mod source;

use queryfleet_config::Config;

use crate::publish::progress::{Progress, Published};
use crate::publish::publication::Publication;
use crate::{Error, PublishRequest};

/// Publishes the whole input and returns when the broker has confirmed the last job. `progress` is called with the run's
/// name before anything is published, and then with how far it has come.
///
/// The input is read twice: a first pass checks all of it, so that bad input publishes nothing; the second numbers,
/// chunks and publishes it.
///
/// # Errors
/// Returns an error without having published anything if the input or the request is refused. After any later error the
/// run can be resumed: publish again under its name. Only [`Error::Cancelled`] ends it.
pub async fn publish(
    config: &Config,
    request: &PublishRequest<'_>,
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Published, Error> {
    let mut publication = Publication::prepare(config, request).await?;
    let checked = publication.check_all(progress).await?;
    let run = publication.find_or_create_run(&checked).await?;
    let checked = publication.materialise(&run, checked, progress).await?;
    publication.publish(run, checked, progress).await
}
