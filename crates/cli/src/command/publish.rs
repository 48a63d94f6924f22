//! `queryfleet publish`.

use queryfleet_config::Config;
use queryfleet_producer::{Progress, PublishRequest, Published};
use serde_json::json;

use crate::Exit;
use crate::arguments::Input;
use crate::bar::Bar;
use crate::command::print_json;
use crate::failure::Failure;
use crate::output;
use crate::signal::Stop;

/// Publishes a run and prints its name.
pub(crate) async fn publish(
    config: &Config,
    request: &Input,
    limits: queryfleet_producer::Limits,
) -> Result<Exit, Failure> {
    request.check().map_err(Failure::usage)?;
    let mut stop = Stop::listen()?;
    let wanted = PublishRequest { limits, ..wanted(request) };
    let Some(published) = publish_run(config, &wanted, &mut stop).await? else {
        return Ok(Exit::Interrupted);
    };
    let Published { run, name, total, before } = &published;
    if request.json.json {
        print_json(&json!({ "run": run.0, "name": name, "total": total, "before": before }));
    } else if before == total {
        output::print(format_args!("run {name}: all {total} jobs had been published before"));
    } else {
        output::print(format_args!("run {name}: {} jobs published; queryfleet wait {name}", total - before));
    }
    Ok(Exit::Success)
}

/// What the arguments ask for.
pub(crate) fn wanted(request: &Input) -> PublishRequest<'_> {
    PublishRequest {
        source: request.source(),
        name: request.run.as_deref(),
        chunk: usize::from(request.chunk),
        session_sql: request.session_sql.as_deref(),
        not_atomic: request.not_atomic,
        sha256: request.sha256.as_deref(),
        allow_no_where: request.allow_no_where,
        limits: queryfleet_producer::Limits::default(),
        again: request.again,
        missing: request.missing,
    }
}

/// Publishes a run with a progress bar; `None` when it was interrupted, after saying how to go on.
pub(crate) async fn publish_run(
    config: &Config,
    request: &PublishRequest<'_>,
    stop: &mut Stop,
) -> Result<Option<Published>, Failure> {
    let mut bar = Bar::new("checking");
    let mut run = None;
    let mut progress = |progress: Progress<'_>| match progress {
        Progress::Checking { jobs, input } => {
            bar.at(input.read >> 10, input.total >> 10, &format!("KiB, {jobs} jobs"));
        }
        Progress::Publishing { name, confirmed, total, input } => {
            if run.is_none() {
                std::mem::replace(&mut bar, Bar::new("publishing")).finish();
                bar.say(&format!("run {name}: {total} jobs"));
                run = Some(name.to_owned());
            }
            let percent = input.read * 100 / input.total.max(1);
            bar.at(confirmed, total, &format!("{percent} % of the input read"));
        }
    };
    let published = tokio::select! {
        published = queryfleet_producer::publish(config, request, &mut progress) => Some(published),
        _ = stop.next() => None,
    };
    bar.finish();
    if published.is_none() {
        match run {
            Some(name) => output::say(format_args!(
                "interrupted while publishing; to go on: the same command with --run {name}"
            )),
            None => output::say("interrupted: nothing was published"),
        }
    }
    Ok(published.transpose()?)
}
