//! Finding or making the row of the run that is published.

use std::path::Path;

use queryfleet_job::NotAtomic;
use queryfleet_ledger::{Counts, LedgerClient, NewEvent, NewRun, Run, RunState, RunStatus, Standing};
use time::UtcDateTime;

use crate::check::Jobs;
use crate::check::rules::RunRules;
use crate::error::{PastEnd, RunOption};
use crate::input::Input;
use crate::publish::milestones::Milestones;
use crate::{Error, PublishRequest};

/// What an input is known by.
pub(crate) struct InputIdentity {
    pub(crate) digest: Vec<u8>,
    /// `None` for key ranges, which are known by the request.
    pub(crate) milestones: Option<Milestones>,
}

/// Checks that a run of this name can be published: one that exists, whatever its name, or one that may be made.
///
/// # Errors
/// Returns [`Error::Name`] if it may not be made, and [`Error::Ledger`] if the database fails.
pub(crate) async fn check_name(client: &mut LedgerClient, name: &str) -> Result<(), Error> {
    match queryfleet_job::check_run_name(name) {
        Err(why) if client.runs().find(name).await?.is_none() => {
            Err(Error::Name { name: name.to_owned(), why })
        }
        _ => Ok(()),
    }
}

/// Whether each job of a cancelled run was cancelled before it began.
fn never_began(run: &Run, counts: Counts) -> bool {
    // One that is repeated because that is harmless has no row while it is executed, and a cancel does not wait for it.
    let all_seen = run.last_seq() == 0 || run.not_atomic != Some(NotAtomic::Repeat);
    all_seen && counts.cancelled >= run.last_seq() && counts.done + counts.dead + counts.started == 0
}

/// What a run is looked up by.
pub(crate) struct RunFinder<'a> {
    pub(crate) request: &'a PublishRequest<'a>,
    pub(crate) queue: &'a str,
    pub(crate) identity: &'a InputIdentity,
    pub(crate) inputs: &'a [Input],
    pub(crate) rules: &'a RunRules,
}

impl RunFinder<'_> {
    /// The run of the request's name, or a new one.
    ///
    /// # Errors
    /// Returns an error if the run is another one, takes no more jobs, or may not be made, and if the database fails.
    pub(crate) async fn find_or_create(&self, client: &mut LedgerClient) -> Result<Run, Error> {
        if let Some(run) = self.find(client).await? {
            return Ok(run);
        }
        if self.request.missing {
            return Err(self
                .request
                .name
                .map_or(Error::MissingOfNoRun, |name| Error::NoRun(name.to_owned())));
        }
        if self.request.name.is_some() || self.request.again {
            return self.create_new(client).await;
        }
        // Of two publishes of one input at the same moment the later sees the run of the former.
        client.runs().lock_input(&self.identity.digest).await?;
        let created = async {
            self.refuse_repetition(client).await?;
            self.create_new(client).await
        };
        let created = created.await;
        client.runs().unlock_input(&self.identity.digest).await;
        created
    }

    /// A new run, unless somebody else makes the one of the request's name meanwhile: that one then.
    async fn create_new(&self, client: &mut LedgerClient) -> Result<Run, Error> {
        loop {
            let created = match self.request.name {
                Some(name) => self.create(client, name).await,
                None => self.create(client, &default_name(self.request.source.name())).await,
            };
            let Err(Error::Ledger(taken @ queryfleet_ledger::Error::NameTaken(_))) = created else {
                return created;
            };
            if self.request.name.is_some() {
                // Somebody has made the same run meanwhile: both resume it.
                return self.find(client).await?.ok_or(taken.into());
            }
            // A name that we made up was drawn by another publish in the same millisecond; the next one is later.
        }
    }

    /// The run of the request's name, if it is of the same input and options.
    async fn find(&self, client: &mut LedgerClient) -> Result<Option<Run>, Error> {
        let Some(name) = self.request.name else { return Ok(None) };
        let Some(run) = client.runs().find(name).await? else { return Ok(None) };
        self.require_same_options(&run)?;
        if run.digest == self.identity.digest {
            return Ok(Some(run));
        }
        let known = Milestones::from_bytes(&client.runs().milestones(run.id).await?);
        let place = match known.zip(self.identity.milestones.clone()) {
            Some((known, ours)) => self.describe_parting(known.parting(ours))?,
            None => String::new(),
        };
        Err(Error::Changed { name: run.name, place, confirmed: run.confirmed })
    }

    async fn create(&self, client: &mut LedgerClient, name: &str) -> Result<Run, Error> {
        let milestones = self.identity.milestones.as_ref().map(Milestones::to_bytes).unwrap_or_default();
        let new = NewRun {
            name,
            queue: self.queue,
            digest: &self.identity.digest,
            milestones: &milestones,
            chunk: self.request.chunk.to_row(),
            session_sql: self.request.session_sql,
            not_atomic: self.request.not_atomic,
        };
        let id = client.runs().create(&new).await?;
        let who = queryfleet_config::login_name();
        let event = NewEvent { queue: self.queue, run: Some(id), who: &who, what: "publish", detail: "" };
        client.events().note(&event).await;
        let created = client.runs().get(&[id]).await?.into_iter().next();
        created.ok_or_else(|| Error::NoRun(name.to_owned()))
    }

    /// Where two inputs part, as a part of a sentence.
    fn describe_parting(&self, (same, differs): (u64, u64)) -> Result<String, Error> {
        let jobs = Jobs::new(self.inputs, self.rules);
        let Some(first) = jobs.location_of(same + 1)? else {
            return Ok(format!(", which continued after job {same}"));
        };
        Ok(match jobs.location_of(differs)?.filter(|_| differs > same + 1) {
            Some(last) => format!(", first in one of the jobs {} ({first}) to {differs} ({last})", same + 1),
            None => format!(", first in job {} ({first})", same + 1),
        })
    }

    /// The same command comes easily to hand, after an interruption and after the end; without a name it would do
    /// everything once more. Only a run of which nothing can take effect any more, or has, does not count: each of its jobs has
    /// a row that says cancelled. A job that is being executed has none yet that others see.
    async fn refuse_repetition(&self, client: &mut LedgerClient) -> Result<(), Error> {
        for run in client.runs().find_by_digest(&self.identity.digest, self.queue).await? {
            let counts = client.jobs().count_run(&run).await?;
            let standing = client.standing(run, counts).await?;
            let name = standing.run.name.clone();
            match past_end(client, &standing).await? {
                None => return Err(Error::Unfinished(name)),
                Some(PastEnd::Cancelled { .. }) if never_began(&standing.run, counts) => {}
                Some(end) => return Err(Error::Repeated { name, end }),
            }
        }
        Ok(())
    }

    /// A run that was begun one way must not be resumed another way: the same input has to give the same jobs and
    /// messages.
    fn require_same_options(&self, run: &Run) -> Result<(), Error> {
        match run.state {
            RunState::Publishing | RunState::Published => {}
            RunState::Cancelled => return Err(Error::CancelledBefore(run.name.clone())),
            RunState::Purged => return Err(Error::Purged(run.name.clone())),
        }
        let (option, before) = if run.queue != self.queue {
            (RunOption::Queue, run.queue.as_str())
        } else if run.session_sql.as_deref() != self.request.session_sql {
            (RunOption::SessionSql, run.session_sql.as_deref().unwrap_or("(none)"))
        } else if run.not_atomic != self.request.not_atomic {
            (RunOption::NotAtomic, run.not_atomic.map_or("(none)", NotAtomic::as_str))
        } else {
            return Ok(());
        };
        Err(Error::Option { name: run.name.clone(), option, before: before.to_owned() })
    }
}

/// How the jobs of a run have ended; `None` as long as some have not.
///
/// # Errors
/// Returns [`Error::Ledger`] if the database fails.
pub(crate) async fn past_end(
    client: &mut LedgerClient,
    standing: &Standing,
) -> Result<Option<PastEnd>, Error> {
    let Counts { done, dead, .. } = standing.counts;
    Ok(match standing.status() {
        RunStatus::Publishing | RunStatus::Running => None,
        RunStatus::Cancelled => Some(PastEnd::Cancelled { done }),
        RunStatus::Purged => Some(PastEnd::Purged),
        RunStatus::Done | RunStatus::Finished | RunStatus::Repaired => {
            // A run without a row cannot have ended; one that was purged this very moment has none.
            match client.jobs().newest_end(&standing.run).await?.map(UtcDateTime::from_unix_timestamp) {
                Some(Ok(time)) => Some(PastEnd::Ended { at: rfc3339(time), done, dead }),
                _ => Some(PastEnd::Purged),
            }
        }
    })
}

/// Characters of a file's name in the name of a run: the time has to fit behind them.
const STEM_CHARACTERS: usize = 100;

/// The file's name and the time: `backfill-20261123-101500-123` (UTC, with milliseconds). For standard input, whose name
/// would be taken for an option, `run-20261123-101500-123`.
fn default_name(input: &Path) -> String {
    let stem = input.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let stem: String = queryfleet_job::as_run_name(&stem).chars().take(STEM_CHARACTERS).collect();
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

/// `2026-11-23T10:15:00Z`.
fn rfc3339(time: UtcDateTime) -> String {
    let (year, month, day) = time.to_calendar_date();
    let (hour, minute, second) = time.as_hms();
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
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
        let words = rfc3339(UtcDateTime::from_unix_timestamp(1_795_428_000).unwrap());
        assert_eq!(words, "2026-11-23T10:00:00Z");
    }
}
