//! `queryfleet publish`.

use queryfleet_config::Config;
use queryfleet_producer::{
    ChunkSize, Chunks, CountedAlone, Limits, PastEnd, Progress, PublishRequest, Published,
};
use serde::Serialize;

use crate::Exit;
use crate::bar::{Bar, JOBS, KIB, all_jobs, counted};
use crate::failure::Failure;
use crate::output;
use crate::publish_arguments::PublishArgs;
use crate::signal::Stop;

/// A contract: keys are added, never changed.
#[derive(Serialize)]
struct PublishedView<'a> {
    run: u64,
    name: &'a str,
    total: u64,
    before: u64,
    /// Dead jobs of another run that this one replaces.
    replaced: u64,
    /// When the run had ended, if nothing of it was left to do.
    ended: Option<&'a str>,
    /// What the jobs were grouped into.
    chunks: &'a Chunks,
}

/// Publishes a run and prints its name.
pub(crate) async fn publish(config: &Config, args: &PublishArgs, limits: Limits) -> Result<Exit, Failure> {
    args.check().map_err(Failure::usage)?;
    let mut stop = Stop::listen()?;
    let request = PublishRequest { limits, ..publish_request(args) };
    let Some(published) = publish_run(config, &request, &mut stop, || {}).await? else {
        return Ok(Exit::Interrupted);
    };
    say_what_else(args, &published);
    let Published { run, name, total, before, .. } = &published;
    let ended = match &published.end {
        Some(PastEnd::Ended { at, .. }) => Some(at.as_str()),
        _ => None,
    };
    if args.json {
        let chunks = &published.chunks;
        output::print_json(&PublishedView {
            run: run.0,
            name,
            total: *total,
            before: *before,
            replaced: published.replaced,
            ended,
            chunks,
        });
    } else if let Some(end) = &published.end {
        output::print(format_args!("run {name} {end}: there was nothing to do"));
    } else if before == total {
        output::print(format_args!(
            "run {name}: {} had been published before; queryfleet wait {name}",
            all_jobs(*total)
        ));
    } else {
        let jobs = counted(total - before, "job");
        output::print(format_args!("run {name}: {jobs} published; queryfleet wait {name}"));
    }
    say_chunks(&published.chunks);
    Ok(Exit::Success)
}

/// What it replaces, and what an earlier publish of the run has settled.
pub(crate) fn say_what_else(args: &PublishArgs, published: &Published) {
    let Published { before, chunk: first, replaced, .. } = published;
    if let Some(run) = &args.replaces {
        output::say(format_args!("{} of run {run} replaced", counted(*replaced, "dead job")));
    }
    match args.chunk {
        Some(chunk) if chunk != *first && *before > 0 => output::say(format_args!(
            "--chunk {chunk} has no effect on the {before} jobs that were published before with --chunk {first}"
        )),
        _ => {}
    }
}

/// Says what `--chunk auto` has chosen, and why.
pub(crate) fn say_chunks(chunks: &Chunks) {
    if chunks.messages > 0 {
        chunk_lines(chunks).iter().for_each(output::say);
    }
}

/// What `--chunk auto` chooses, in lines for people; none of a fixed number.
pub(crate) fn chunk_lines(chunks: &Chunks) -> Vec<String> {
    let Chunks { size: ChunkSize::Auto, most, messages, grouped, alone } = chunks else { return Vec::new() };
    let mut lines = vec![match most {
        1 => "--chunk auto: a message for each job, since there are few or the rate is low".to_owned(),
        _ => format!(
            "--chunk auto: {}; {} grouped, at most {most} per message",
            counted(*messages, "message"),
            counted(*grouped, "job")
        ),
    }];
    lines.extend(alone.iter().map(|CountedAlone { reason, seen }| {
        let first = seen.first.as_deref().unwrap_or_default();
        format!("  alone: {}: {reason}, the first at {first}", counted(seen.count, "job"))
    }));
    lines
}

/// What the arguments ask for.
pub(crate) fn publish_request(args: &PublishArgs) -> PublishRequest<'_> {
    PublishRequest {
        source: args.source(),
        format: args.format,
        name: args.run.as_deref(),
        chunk: args.chunk.unwrap_or_default(),
        session_sql: args.session_sql.as_deref(),
        not_atomic: args.not_atomic,
        sha256: args.sha256.as_deref(),
        allow_no_where: args.allow_no_where,
        limits: Limits::default(),
        again: args.again,
        replaces: args.replaces.as_deref(),
        canary: args.canary,
        halt: args.halt,
        missing: args.missing,
    }
}

/// Publishes a run with a progress bar; `None` when it was interrupted, after saying how to resume. `checked` is called once,
/// before anything is published.
pub(crate) async fn publish_run(
    config: &Config,
    request: &PublishRequest<'_>,
    stop: &mut Stop,
    mut checked: impl FnMut() + Send,
) -> Result<Option<Published>, Failure> {
    let mut bar = Bar::new("checking", KIB);
    let mut run = None;
    let mut progress = |progress: Progress<'_>| match progress {
        Progress::Checking { jobs, input } => {
            bar.at(input.read >> 10, Some(input.total >> 10), &counted(jobs, "job"), "");
        }
        Progress::Publishing { name, confirmed, total, waits, .. } => {
            if run.is_none() {
                std::mem::replace(&mut bar, Bar::new("publishing", JOBS)).finish();
                bar.say(&format!("run {name}: {}", counted(total, "job")));
                run = Some(name.to_owned());
                checked();
            }
            let reason = waits.map_or_else(String::new, |waits| waits.to_string());
            bar.at(confirmed, Some(total), "", &reason);
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
                "interrupted while publishing; to resume: the same command with --run {name}"
            )),
            None => output::say("interrupted: nothing was published"),
        }
    }
    Ok(published.transpose()?)
}
