//! Finding or making the row of the run that is published.

use std::path::Path;

use queryfleet_job::NotAtomic;
use queryfleet_ledger::{LedgerClient, NewRun, Run, RunState};
use time::UtcDateTime;

use crate::publish::milestones::Milestones;
use crate::{Error, PublishRequest};

/// What an input is known by.
pub(crate) struct Whole {
    pub(crate) digest: Vec<u8>,
    /// `None` of ranges, which are known by what they are cut from.
    pub(crate) milestones: Option<Milestones>,
}

/// Whether a run of this name can be published: one that is there, whatever its name, or one that may be made.
///
/// # Errors
/// [`Error::Name`], and as the database can fail.
pub(crate) async fn check_name(control: &mut LedgerClient, name: &str) -> Result<(), Error> {
    match queryfleet_job::check_run_name(name) {
        Err(why) if control.runs().find(name).await?.is_none() => {
            Err(Error::Name { name: name.to_owned(), why })
        }
        _ => Ok(()),
    }
}

/// The run to publish: the one of that name, to go on with, or a new one. `place` says where a job stands in the input.
pub(crate) async fn find_or_create(
    control: &mut LedgerClient,
    request: &PublishRequest<'_>,
    queue: &str,
    whole: &Whole,
    place: impl Fn(u64) -> Result<Option<String>, Error>,
) -> Result<Run, Error> {
    if let Some(run) = find(control, request, queue, whole, &place).await? {
        return Ok(run);
    }
    if request.missing {
        return Err(Error::NoRun(request.name.unwrap_or("(none given: --missing needs --run)").to_owned()));
    }
    if request.name.is_none() && !request.again {
        refuse_twice(control, &whole.digest, queue).await?;
    }
    loop {
        let name = request.name.map_or_else(|| default_name(request.source.name()), str::to_owned);
        match create(control, request, queue, whole, &name).await {
            Err(Error::Ledger(taken @ queryfleet_ledger::Error::NameTaken(_))) => {
                // Somebody has made the same run meanwhile: both go on with it. A name of ours that was taken was drawn
                // in the same millisecond, from a file that begins alike; the next draw is later.
                if request.name.is_some() {
                    return match find(control, request, queue, whole, &place).await? {
                        Some(run) => Ok(run),
                        None => Err(taken.into()),
                    };
                }
            }
            created => return created,
        }
    }
}

/// The run of the order's name, when it is of the same input and options.
async fn find(
    control: &mut LedgerClient,
    request: &PublishRequest<'_>,
    queue: &str,
    whole: &Whole,
    place: impl Fn(u64) -> Result<Option<String>, Error>,
) -> Result<Option<Run>, Error> {
    let Some(name) = request.name else { return Ok(None) };
    let Some(run) = control.runs().find(name).await? else { return Ok(None) };
    same_options(&run, request, queue)?;
    if run.digest != whole.digest {
        let known = Milestones::from_bytes(&control.runs().milestones(run.id).await?);
        let place = match known.zip(whole.milestones.clone()) {
            Some((known, ours)) => parting(known.parting(ours), place)?,
            None => String::new(),
        };
        return Err(Error::Changed { name: run.name, place, confirmed: run.confirmed });
    }
    Ok(Some(run))
}

async fn create(
    control: &mut LedgerClient,
    request: &PublishRequest<'_>,
    queue: &str,
    whole: &Whole,
    name: &str,
) -> Result<Run, Error> {
    let new = NewRun {
        name,
        queue,
        digest: &whole.digest,
        milestones: &whole.milestones.as_ref().map(Milestones::to_bytes).unwrap_or_default(),
        chunk: request.chunk as u32,
        session_sql: request.session_sql,
        not_atomic: request.not_atomic,
    };
    let id = control.runs().create(&new).await?;
    let found = control.runs().get(&[id]).await?;
    found.into_iter().next().ok_or_else(|| Error::NoRun(name.to_owned()))
}

/// Where two inputs part, as a part of a sentence.
fn parting(
    (same, differs): (u64, u64),
    place: impl Fn(u64) -> Result<Option<String>, Error>,
) -> Result<String, Error> {
    let Some(first) = place(same + 1)? else {
        return Ok(format!(", which went on after job {same}"));
    };
    Ok(match place(differs)?.filter(|_| differs > same + 1) {
        Some(last) => format!(", first in one of the jobs {} ({first}) to {differs} ({last})", same + 1),
        None => format!(", first in job {} ({first})", same + 1),
    })
}

/// After an interruption the same command comes easily to hand; without a name it would do everything once more.
async fn refuse_twice(control: &mut LedgerClient, digest: &[u8], queue: &str) -> Result<(), Error> {
    let Some(run) = control.runs().find_open_by_digest(digest, queue).await? else { return Ok(()) };
    let counts = control.jobs().count_run(&run).await?;
    if run.total.is_some_and(|total| counts.ended() >= total) {
        return Ok(());
    }
    Err(Error::Unfinished(run.name))
}

/// What was begun one way must not go on another: the same input has to give the same jobs and messages.
fn same_options(run: &Run, request: &PublishRequest<'_>, queue: &str) -> Result<(), Error> {
    match run.state {
        RunState::Publishing | RunState::Published => {}
        RunState::Cancelled => return Err(Error::Closed { name: run.name.clone(), state: "cancelled" }),
        RunState::Purged => return Err(Error::Closed { name: run.name.clone(), state: "purged" }),
    }
    let differs = |option, before: String| Err(Error::Option { name: run.name.clone(), option, before });
    if run.queue != queue {
        return differs("QUERYFLEET_QUEUE", run.queue.clone());
    }
    if run.session_sql.as_deref() != request.session_sql {
        return differs("--session-sql", run.session_sql.clone().unwrap_or_else(|| "(none)".into()));
    }
    if run.not_atomic != request.not_atomic {
        return differs("--not-atomic", run.not_atomic.map_or("(none)", NotAtomic::as_str).into());
    }
    Ok(())
}

/// Of a file's name no more than this is in the name of a run: the time has to fit behind it.
const STEM: usize = 100;

/// The file's name and the time: `backfill-20261123-101500-123` (UTC, with milliseconds). Of standard input, which has no
/// name that an option would not be taken for, `run-20261123-101500-123`.
fn default_name(input: &Path) -> String {
    let stem = input.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let stem: String = queryfleet_job::as_run_name(&stem).chars().take(STEM).collect();
    let stem = if stem.is_empty() { "run" } else { &stem };
    let now = UtcDateTime::now();
    format!("{stem}-{}-{:03}", utc(now), now.millisecond())
}

/// `20261123-101500`.
fn utc(time: UtcDateTime) -> String {
    let (year, month, day) = time.to_calendar_date();
    let (hour, minute, second) = time.as_hms();
    format!("{year:04}{:02}{day:02}-{hour:02}{minute:02}{second:02}", u8::from(month))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_made_of_a_long_one_fits_and_ends_with_the_time() {
        for stem in ["a".repeat(251), "é".repeat(125), "😀".repeat(62)] {
            let name = default_name(format!("{stem}.sql").as_ref());
            assert!(name.chars().count() <= queryfleet_job::RUN_NAME_LIMIT, "{name}");
            let time = name.trim_start_matches(|c: char| stem.starts_with(c));
            assert_eq!(time.len(), "-20261123-101500-123".len(), "{name}");
        }
        for (file, stem) in
            [("-", "run"), ("--x.sql", "x"), (" a\n.sql", "a_"), ("7.sql", "7"), ("..", "run")]
        {
            let name = default_name(file.as_ref());
            assert!(name.starts_with(&format!("{stem}-20")), "{name}");
            assert_eq!(queryfleet_job::check_run_name(&name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn the_time_in_a_name_is_utc() {
        let at = |seconds| utc(UtcDateTime::from_unix_timestamp(seconds).unwrap());
        assert_eq!(at(0), "19700101-000000");
        assert_eq!(at(951_782_400 + 86_399), "20000229-235959");
        assert_eq!(at(1_795_428_000), "20261123-100000");
    }
}
