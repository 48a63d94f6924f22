//! The one packet: claim in the ledger, execute, commit, as one multi-statement text and one round trip.
//!
//! `USE` is part of it wherever the current database is not known to be the job's: in the first packet of a connection, in
//! the first one after a reset or an error, and when the job before was of another database. So the first packet of a
//! session has one statement more than the next.
//!
//! Pure: no connection and no clock. `bench` builds packets, too.

use std::borrow::Cow;

use queryfleet_job::{Job, LedgerState, RunId};

use crate::quote::quoted;

/// The size of a text whose memory is used again.
const KEPT_BYTES: usize = 1 << 20;

/// The role of a statement in the packet. Counting the answers tells which one failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketStep {
    Begin,
    Use,
    Ledger,
    Savepoint,
    Statement,
    /// The savepoint of the net, [`PacketContext::net`].
    NetSavepoint,
    /// Undoes nothing, and warns when something has changed that no rollback undoes.
    Net,
    Release,
    /// Drops a temporary table that hides the ledger.
    Unhide,
    /// A chunk's rows turn to `done`.
    Finish,
    Commit,
}

/// The packet's text and the role of each of its statements; buffers that a slot uses again and again.
#[derive(Default)]
pub struct Packet {
    pub text: String,
    pub steps: Vec<PacketStep>,
    /// Where the part behind the net begins, in `text` and in `steps`: what is left to send when the net's savepoint
    /// has failed.
    end: (usize, usize),
}

impl Packet {
    fn clear(&mut self) {
        self.text.clear();
        self.steps.clear();
    }

    /// Gives back the memory of a large text, which nobody reads again.
    pub(crate) fn shed(&mut self) {
        if self.text.capacity() > KEPT_BYTES {
            *self = Packet::default();
        }
    }

    /// The part behind the net.
    pub fn end(&self) -> (&str, &[PacketStep]) {
        (&self.text[self.end.0..], &self.steps[self.end.1..])
    }

    /// Pieces, not a format: the text is most of what a job costs a worker that serves chunks.
    fn add(&mut self, step: PacketStep, pieces: &[&str]) {
        if !self.steps.is_empty() {
            self.text.push(';');
        }
        self.steps.push(step);
        pieces.iter().for_each(|piece| self.text.push_str(piece));
    }

    /// One INSERT of the ledger rows of all these jobs.
    fn claim(
        &mut self,
        step: PacketStep,
        ledger: &str,
        run: &str,
        jobs: &[(&Job, Cow<'_, str>)],
        state: LedgerState,
    ) {
        self.add(step, &["INSERT INTO ", ledger, "(run,seq,state)VALUES"]);
        let mut seq = itoa::Buffer::new();
        for (index, (job, _)) in jobs.iter().enumerate() {
            let open = if index > 0 { ",(" } else { "(" };
            for piece in [open, run, ",", seq.format(job.seq), ",'", state.as_str(), "')"] {
                self.text.push_str(piece);
            }
        }
    }
}

/// What a packet needs to know of its connection.
pub struct PacketContext<'a> {
    /// The ledger table, schema-qualified and quoted.
    pub ledger: &'a str,
    /// Random for each connection, so that no statement can make a savepoint of the same name again.
    pub savepoint: &'a str,
    /// The current database; `None` when it is not known, and `USE` has to be sent.
    pub current: Option<&'a str>,
    /// The database of jobs that name none.
    pub default: &'a str,
    /// Whether to ask, behind the last statement, if something has changed that no rollback undoes. Of a chunk it is
    /// always asked; for a single job it costs a tenth.
    pub net: bool,
}

/// Builds the packet for jobs that are atomic, each with its statement as it is to be sent. Returns the database
/// that is current after it.
///
/// A single job claims its row as `done`. The jobs of a chunk claim theirs as `started`, all in one statement, and
/// one statement turns them to `done` behind the last job: each statement costs the server an answer of its own, which
/// is most of what a small job costs. If a job's statement ended our transaction after all, the rows that it commits
/// would say `started`, so that none of the jobs behind it could pass for done; the savepoint then stops the packet. A
/// temporary table of the ledger's name, which a trigger may have made, would swallow the second claim: it is dropped
/// before.
///
/// The newline before `;` ends a trailing `-- ` or `#` comment of the statement; an open quote or `/*` would be a
/// syntax error with nothing committed.
pub fn build<'a>(
    packet: &mut Packet,
    context: &PacketContext<'a>,
    run: RunId,
    jobs: &[(&'a Job, Cow<'_, str>)],
) -> &'a str {
    packet.clear();
    // At once: a text that grows by the few words behind a large statement grows to twice its size.
    packet.text.reserve(jobs.iter().map(|(_, statement)| statement.len() + 1024).sum());
    let run = run.to_string();
    let mut seq = itoa::Buffer::new();
    let chunk = jobs.len() > 1;
    let mut current = context.current;
    packet.add(PacketStep::Begin, &["START TRANSACTION"]);
    let claimed = if chunk { LedgerState::Started } else { LedgerState::Done };
    packet.claim(PacketStep::Ledger, context.ledger, &run, jobs, claimed);
    packet.add(PacketStep::Savepoint, &["SAVEPOINT ", context.savepoint]);
    for (job, statement) in jobs {
        let wanted = job.database.as_deref().unwrap_or(context.default);
        if current != Some(wanted) {
            packet.add(PacketStep::Use, &["USE ", &quoted(wanted)]);
            current = Some(wanted);
        }
        let seq = seq.format(job.seq);
        packet.add(PacketStep::Statement, &["/* queryfleet ", &run, "/", seq, " */ ", statement, "\n"]);
    }
    if chunk || context.net {
        packet.add(PacketStep::NetSavepoint, &["SAVEPOINT ", context.savepoint, "n"]);
        packet.add(PacketStep::Net, &["ROLLBACK TO SAVEPOINT ", context.savepoint, "n"]);
    }
    // Without the `;` before it.
    packet.end = (packet.text.len() + 1, packet.steps.len());
    packet.add(PacketStep::Release, &["RELEASE SAVEPOINT ", context.savepoint]);
    if chunk {
        packet.add(PacketStep::Unhide, &["DROP TEMPORARY TABLE IF EXISTS ", context.ledger]);
        // By the primary key alone. An UPDATE of these rows would be free to scan, and to wait for its neighbours'.
        packet.claim(PacketStep::Finish, context.ledger, &run, jobs, LedgerState::Done);
        packet.text.push_str("ON DUPLICATE KEY UPDATE state='done'");
    }
    packet.add(PacketStep::Commit, &["COMMIT"]);
    current.unwrap_or(context.default)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: PacketContext<'_> = PacketContext {
        ledger: "`a`.queryfleet_ledger",
        savepoint: "q1",
        current: Some("a"),
        default: "a",
        net: false,
    };

    fn text(jobs: &[Job], net: bool) -> (Packet, String) {
        let mut packet = Packet::default();
        let jobs: Vec<_> = jobs.iter().map(|job| (job, Cow::from(job.sql.as_str()))).collect();
        let current = build(&mut packet, &PacketContext { net, ..CONTEXT }, RunId(7), &jobs).to_owned();
        assert_eq!(packet.steps.len(), packet.text.split(';').count());
        (packet, current)
    }

    #[test]
    fn one_job_is_the_text_of_the_design() {
        let (packet, current) = text(&[Job::new(2, "UPDATE t SET n = 1 -- why")], false);
        assert_eq!(
            packet.text,
            "START TRANSACTION;INSERT INTO `a`.queryfleet_ledger(run,seq,state)VALUES(7,2,'done');SAVEPOINT q1;\
             /* queryfleet 7/2 */ UPDATE t SET n = 1 -- why\n;RELEASE SAVEPOINT q1;COMMIT"
        );
        assert_eq!(current, "a");
    }

    #[test]
    fn the_net_is_behind_the_statement_and_can_be_left_out_afterwards() {
        let (packet, _) = text(&[Job::new(2, "DO f()")], true);
        let net = "\n;SAVEPOINT q1n;ROLLBACK TO SAVEPOINT q1n;RELEASE SAVEPOINT q1;COMMIT";
        assert!(packet.text.ends_with(net), "{}", packet.text);
        assert_eq!(
            packet.end(),
            ("RELEASE SAVEPOINT q1;COMMIT", &[PacketStep::Release, PacketStep::Commit][..])
        );
    }

    #[test]
    fn a_chunk_claims_once_and_is_done_once() {
        let mut other = Job::new(3, "DELETE FROM u");
        other.database = Some("b".into());
        let (packet, current) = text(&[Job::new(1, "DO 1"), other], false);
        assert_eq!(
            packet.text,
            "START TRANSACTION;INSERT INTO `a`.queryfleet_ledger(run,seq,state)VALUES(7,1,'started'),(7,3,'started');\
             SAVEPOINT q1;/* queryfleet 7/1 */ DO 1\n;USE `b`;/* queryfleet 7/3 */ DELETE FROM u\n;\
             SAVEPOINT q1n;ROLLBACK TO SAVEPOINT q1n;RELEASE SAVEPOINT q1;\
             DROP TEMPORARY TABLE IF EXISTS `a`.queryfleet_ledger;\
             INSERT INTO `a`.queryfleet_ledger(run,seq,state)VALUES(7,1,'done'),(7,3,'done')\
             ON DUPLICATE KEY UPDATE state='done';COMMIT"
        );
        assert_eq!(current, "b");
    }
}
