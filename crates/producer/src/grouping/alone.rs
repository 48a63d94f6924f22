//! Why a job has a message of its own, and what became of all of them.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::request::{ChunkSize, LARGEST_CHUNK};
use crate::seen::Seen;

/// Messages that a run is divided into at least, so that every slot has several of them.
const LEAST_MESSAGES: u64 = 64;

/// Why a job is not grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alone {
    /// It is not transactional.
    NotAtomic,
    /// It is none of INSERT, REPLACE, UPDATE and DELETE.
    OtherKind,
    /// It has a deadline of its own, which a chunk would share.
    Deadline,
    /// Its text and values are long.
    Long,
    /// It calls a function that waits.
    Waits,
    /// It reads a whole table or index.
    Scan,
    /// It reads many rows.
    ManyRows,
    /// Its table has triggers, or rows of other tables are deleted with its own.
    Beside,
    /// A job shortly before it, in another message, changes the same rows.
    SameRows,
    /// The server does not say, or may not be asked, what it reads.
    NotExplained,
}

impl Alone {
    /// Its word, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Alone::NotAtomic => "not_atomic",
            Alone::OtherKind => "other_kind",
            Alone::Deadline => "deadline",
            Alone::Long => "long",
            Alone::Waits => "waits",
            Alone::Scan => "scan",
            Alone::ManyRows => "many_rows",
            Alone::Beside => "beside",
            Alone::SameRows => "same_rows",
            Alone::NotExplained => "not_explained",
        }
    }
}

impl Serialize for Alone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl fmt::Display for Alone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Alone::NotAtomic => "not transactional",
            Alone::OtherKind => "no INSERT, REPLACE, UPDATE or DELETE",
            Alone::Deadline => "a deadline of its own",
            Alone::Long => "longer than 16 KiB",
            Alone::Waits => "it calls a function that waits",
            Alone::Scan => "it reads a whole table or index",
            Alone::ManyRows => "it reads more than 100 rows",
            Alone::Beside => "triggers, or a foreign key that cascades",
            Alone::SameRows => "it changes rows that a job shortly before it changes",
            Alone::NotExplained => "EXPLAIN does not say what it reads",
        })
    }
}

/// What the jobs of a publish were grouped into.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Chunks {
    /// What was asked for.
    #[serde(skip)]
    pub size: ChunkSize,
    /// Maximum jobs per message, by the run's size and rate.
    pub most: usize,
    /// Messages that were made.
    pub messages: u64,
    /// Jobs that share a message with others.
    pub grouped: u64,
    /// The jobs that have a message of their own for a reason, in the order in which the reasons were met.
    pub alone: Vec<CountedAlone>,
}

/// Jobs with a message of their own.
#[derive(Clone, Debug, Serialize)]
pub struct CountedAlone {
    /// Why.
    pub reason: Alone,
    /// How many, and where the first stands.
    #[serde(flatten)]
    pub seen: Seen,
}

/// Maximum jobs per message of a run of this many.
pub(super) fn spread(total: u64) -> usize {
    (total / LEAST_MESSAGES).clamp(1, LARGEST_CHUNK as u64) as usize
}

impl Chunks {
    /// What they are if the run is known to have this many jobs only at the end.
    pub(crate) fn spread(mut self, total: u64) -> Chunks {
        if self.size == ChunkSize::Auto {
            self.most = spread(total);
            self.messages = self.messages.max(total.min(LEAST_MESSAGES));
        }
        if self.most == 1 {
            self.grouped = 0;
            self.messages = total;
        }
        self
    }

    pub(super) fn add_message(&mut self, jobs: usize) {
        self.messages += 1;
        self.grouped += if jobs > 1 { jobs as u64 } else { 0 };
    }

    pub(super) fn add_alone(&mut self, reason: Alone, place: impl FnOnce() -> String) {
        let at = self.alone.iter().position(|alone| alone.reason == reason).unwrap_or_else(|| {
            self.alone.push(CountedAlone { reason, seen: Seen::default() });
            self.alone.len() - 1
        });
        self.alone[at].seen.add(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_run_is_spread() {
        for (total, most) in [(0, 1), (1, 1), (127, 1), (128, 2), (20_000, 312), (u64::MAX, LARGEST_CHUNK)] {
            assert_eq!(spread(total), most, "{total}");
        }
    }
}
