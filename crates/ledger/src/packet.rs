//! The one packet: claim in the ledger, execute, commit, as one multi-statement text and one round trip.

use std::fmt::Write;

use job::{Job, LedgerState, RunId};

/// What a statement of the packet is. Counting the answers tells which one failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Begin,
    Use,
    Ledger,
    Savepoint,
    Statement,
    Release,
    Commit,
}

/// The packet's text and the place of each of its statements; buffers that a slot uses again and again.
#[derive(Default)]
pub(crate) struct Packet {
    pub(crate) text: String,
    pub(crate) places: Vec<Place>,
}

impl Packet {
    fn clear(&mut self) {
        self.text.clear();
        self.places.clear();
    }

    fn add(&mut self, place: Place, sql: std::fmt::Arguments<'_>) {
        if !self.places.is_empty() {
            self.text.push(';');
        }
        self.places.push(place);
        // Writing into a String has no way to fail.
        let _ = self.text.write_fmt(sql);
    }
}

/// What a packet needs to know of its connection.
pub(crate) struct Shape<'a> {
    /// The ledger table, schema-qualified and quoted.
    pub(crate) ledger: &'a str,
    /// Random for each connection, so that no statement can make a savepoint of the same name again.
    pub(crate) savepoint: &'a str,
    /// The database that is current, when known.
    pub(crate) current: Option<&'a str>,
    /// The database of jobs that name none.
    pub(crate) default: &'a str,
}

/// Builds the packet for jobs that are atomic, each with its statement as it is to be sent. Answers the database
/// that is current after it.
///
/// The newline before `;` ends a trailing `-- ` or `#` comment of the statement; an open quote or `/*` would be a
/// syntax error with nothing committed.
pub(crate) fn build<'a>(
    packet: &mut Packet,
    shape: &Shape<'a>,
    run: RunId,
    jobs: impl Iterator<Item = (&'a Job, &'a str)>,
) -> &'a str {
    packet.clear();
    let mut current = shape.current;
    let done = LedgerState::Done.as_str();
    packet.add(Place::Begin, format_args!("START TRANSACTION"));
    for (job, statement) in jobs {
        let wanted = job.database.as_deref().unwrap_or(shape.default);
        if current != Some(wanted) {
            packet.add(Place::Use, format_args!("USE {}", crate::connect::quoted(wanted)));
            current = Some(wanted);
        }
        let (seq, ledger, savepoint) = (job.seq, shape.ledger, shape.savepoint);
        packet.add(
            Place::Ledger,
            format_args!("INSERT INTO {ledger}(run,seq,state)VALUES({run},{seq},'{done}')"),
        );
        packet.add(Place::Savepoint, format_args!("SAVEPOINT {savepoint}"));
        packet.add(Place::Statement, format_args!("/* queryfleet {run}/{seq} */ {statement}\n"));
        packet.add(Place::Release, format_args!("RELEASE SAVEPOINT {savepoint}"));
    }
    packet.add(Place::Commit, format_args!("COMMIT"));
    current.unwrap_or(shape.default)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape<'_> =
        Shape { ledger: "`a`.queryfleet_ledger", savepoint: "q1", current: Some("a"), default: "a" };

    #[test]
    fn one_job_is_the_text_of_the_design() {
        let job = Job::new(2, "UPDATE t SET n = 1 -- why");
        let mut packet = Packet::default();
        build(&mut packet, &SHAPE, RunId(7), [(&job, job.sql.as_str())].into_iter());
        assert_eq!(
            packet.text,
            "START TRANSACTION;INSERT INTO `a`.queryfleet_ledger(run,seq,state)VALUES(7,2,'done');SAVEPOINT q1;\
             /* queryfleet 7/2 */ UPDATE t SET n = 1 -- why\n;RELEASE SAVEPOINT q1;COMMIT"
        );
        assert_eq!(packet.places.len(), 6);
    }

    #[test]
    fn a_chunk_repeats_the_claim_a_job_and_commits_once() {
        let mut other = Job::new(3, "DELETE FROM u");
        other.database = Some("b".into());
        let jobs = [Job::new(1, "DO 1"), Job::new(2, "DO 2"), other];
        let mut packet = Packet::default();
        let current = build(&mut packet, &SHAPE, RunId(7), jobs.iter().map(|job| (job, job.sql.as_str())));
        assert_eq!(current, "b");
        assert_eq!(packet.places.iter().filter(|place| **place == Place::Ledger).count(), 3);
        assert_eq!(packet.places.iter().filter(|place| **place == Place::Use).count(), 1);
        assert_eq!(packet.text.matches("COMMIT").count(), 1);
        assert_eq!(packet.places.len(), packet.text.split(';').count());
    }
}
