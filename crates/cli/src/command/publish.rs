//! `queryfleet publish`.

use queryfleet::{Alone, Chunks, Fleet, Progress, Publish, Published};
use queryfleet_config::Config;
use queryfleet_producer::ChunkSize;
use serde::Serialize;

use crate::Exit;
use crate::bar::{Bar, JOBS, KIB, all_jobs, counted};
use crate::failure::Failure;
use crate::output;
use crate::publish_arguments::{Limits, PublishArgs};
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
    chunks: ChunksView<'a>,
}

/// What the jobs were grouped into, as `queryfleet plan` has it.
#[derive(Serialize)]
struct ChunksView<'a> {
    most: usize,
    messages: u64,
    grouped: u64,
    alone: Vec<AloneView<'a>>,
}

#[derive(Serialize)]
struct AloneView<'a> {
    reason: &'a str,
    count: u64,
    first: &'a str,
}

impl<'a> From<&'a Published> for PublishedView<'a> {
    fn from(published: &'a Published) -> PublishedView<'a> {
        let chunks = &published.chunks;
        let alone =
            |alone: &'a Alone| AloneView { reason: &alone.reason, count: alone.jobs, first: &alone.first };
        PublishedView {
            run: published.id,
            name: &published.name,
            total: published.total,
            before: published.before,
            replaced: published.replaced,
            ended: published.past.as_ref().and_then(|past| past.at.as_deref()),
            chunks: ChunksView {
                most: chunks.most,
                messages: chunks.messages,
                grouped: chunks.grouped,
                alone: chunks.alone.iter().map(alone).collect(),
            },
        }
    }
}

/// Publishes a run and prints its name.
pub(crate) async fn publish(config: &Config, args: &PublishArgs, limits: &Limits) -> Result<Exit, Failure> {
    args.check().map_err(Failure::usage)?;
    let mut stop = Stop::listen()?;
    let request = limits.of(args.request());
    let Some(published) = publish_run(&Fleet::of_binary(config), request, &mut stop, || {}).await? else {
        return Ok(Exit::Interrupted);
    };
    say_what_else(args, &published);
    let Published { name, total, before, .. } = &published;
    if args.json {
        output::print_json(&PublishedView::from(&published));
    } else if let Some(past) = &published.past {
        output::print(format_args!("run {name} {past}: there was nothing to do"));
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
    let first = first.map_or(ChunkSize::Auto, ChunkSize::Jobs);
    match args.chunk {
        Some(chunk) if chunk != first && *before > 0 => output::say(format_args!(
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
    let Chunks { size: None, most, messages, grouped, alone, .. } = chunks else { return Vec::new() };
    let mut lines = vec![match most {
        1 => "--chunk auto: a message for each job, since there are few or the rate is low".to_owned(),
        _ => format!(
            "--chunk auto: {}; {} grouped, at most {most} per message",
            counted(*messages, "message"),
            counted(*grouped, "job")
        ),
    }];
    lines.extend(alone.iter().map(|alone| {
        format!("  alone: {}: {alone}, the first at {}", counted(alone.jobs, "job"), alone.first)
    }));
    lines
}

/// Publishes a run with a progress bar; `None` when it was interrupted, after saying how to resume. `checked` is called before
/// anything is published, and once more at the end if there is something to execute.
pub(crate) async fn publish_run(
    fleet: &Fleet,
    request: Publish,
    stop: &mut Stop,
    checked: impl Fn(),
) -> Result<Option<Published>, Failure> {
    let mut bar = Bar::new("checking", KIB);
    let mut run = None;
    let mut task = fleet.publish(request);
    loop {
        let progress = tokio::select! {
            progress = task.next() => progress,
            _ = stop.next() => {
                bar.finish();
                if let Some(Progress::Publishing { run: name, .. }) = task.cancel().await {
                    run = Some(name);
                }
                match run {
                    Some(name) => output::say(format_args!(
                        "interrupted while publishing; to resume: the same command with --run {name}"
                    )),
                    None => output::say("interrupted: nothing was published"),
                }
                return Ok(None);
            }
        };
        match progress {
            Some(Progress::Checking { jobs, bytes_read, bytes }) => {
                bar.at(bytes_read >> 10, Some(bytes >> 10), &counted(jobs, "job"), "");
            }
            Some(Progress::Publishing { run: name, confirmed, total, waits_for }) => {
                if run.is_none() {
                    std::mem::replace(&mut bar, Bar::new("publishing", JOBS)).finish();
                    bar.say(&format!("run {name}: {}", counted(total, "job")));
                    checked();
                    run = Some(name);
                }
                let reason = waits_for.map_or_else(String::new, |waits_for| waits_for.to_string());
                bar.at(confirmed, Some(total), "", &reason);
            }
            Some(_) => {}
            None => break,
        }
    }
    bar.finish();
    let published = task.await?;
    if published.past.is_none() {
        // Reports are left out while others wait to be read.
        checked();
    }
    Ok(Some(published))
}
