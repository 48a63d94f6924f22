//! What a publish has published.

use std::fmt;

/// What a publish has published.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// The run's id.
    pub id: u64,
    /// The run's name.
    pub name: String,
    /// Its jobs.
    pub total: u64,
    /// Those of them that an earlier publish had published.
    pub before: u64,
    /// The dead jobs of another run that this one replaces.
    pub replaced: u64,
    /// The jobs per message with which the run was begun, as [`Chunks::size`].
    pub chunk: Option<usize>,
    /// What the jobs that were published now were grouped into.
    pub chunks: Chunks,
    /// How the run had ended before, if nothing of it was left to publish or to do.
    pub past: Option<Past>,
}

/// How a run had ended before it was published again; its text says it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Past {
    /// When its last job did, in UTC: `2026-11-23T10:15:00Z`. `None` of a run that was cancelled or purged.
    pub at: Option<String>,
    text: String,
}

impl fmt::Display for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What jobs were grouped into: the jobs of a message are one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunks {
    /// The jobs per message that were asked for; `None`: as many as take some 30 ms together.
    pub size: Option<usize>,
    /// The most jobs per message, by the run's size and rate.
    pub most: usize,
    /// Messages that were made.
    pub messages: u64,
    /// Jobs that share a message with others.
    pub grouped: u64,
    /// Why jobs have a message of their own, in the order in which that was met.
    pub alone: Vec<Alone>,
}

/// Jobs that have a message of their own for one reason; its text is that reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alone {
    /// The reason in a word, such as `many_rows`.
    pub reason: String,
    /// How many jobs.
    pub jobs: u64,
    /// `file:line:column` of the first.
    pub first: String,
    text: String,
}

impl fmt::Display for Alone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Published {
    pub(crate) fn of(published: queryfleet_producer::Published) -> Published {
        let queryfleet_producer::Published { run, name, total, before, replaced, chunk, chunks, end } =
            published;
        Published {
            id: run.0,
            name,
            total,
            before,
            replaced,
            chunk: chunk.jobs(),
            chunks: Chunks::from(&chunks),
            past: end.map(Past::of),
        }
    }
}

impl Past {
    fn of(end: queryfleet_producer::PastEnd) -> Past {
        let text = end.to_string();
        let at = match end {
            queryfleet_producer::PastEnd::Ended { at, .. } => Some(at),
            _ => None,
        };
        Past { at, text }
    }
}

#[doc(hidden)]
impl From<&queryfleet_producer::Chunks> for Chunks {
    fn from(chunks: &queryfleet_producer::Chunks) -> Chunks {
        let alone = |alone: &queryfleet_producer::CountedAlone| Alone {
            reason: alone.reason.word().to_owned(),
            jobs: alone.seen.count,
            first: alone.seen.first.clone().unwrap_or_default(),
            text: alone.reason.to_string(),
        };
        Chunks {
            size: chunks.size.jobs(),
            most: chunks.most,
            messages: chunks.messages,
            grouped: chunks.grouped,
            alone: chunks.alone.iter().map(alone).collect(),
        }
    }
}
