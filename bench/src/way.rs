//! What a producer and a worker do with a job, stage by stage, in the order in which their crates do it
//! (`check/statement.rs` and `publish/publishing.rs` of the producer; `slot/pipeline.rs` of the consumer), on inputs
//! that are always the same.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use queryfleet_job::{
    Chunk, Failure, Filling, Job, LedgerId, Message, Outcome, Param, RetryPolicy, RunId, Settlement, Spent,
};
use queryfleet_job::{envelope, settle::settle};
use queryfleet_producer::statement::{self, Rules, Statement};
use queryfleet_sql::{Splitter, SqlMode};

use queryfleet_ledger::packet::{self, Packet, PacketContext};

/// No statement here comes near the limit.
const RULES: Rules = Rules {
    mode: SqlMode { no_backslash_escapes: false, ansi_quotes: false },
    limit_bytes: 16 << 20,
    not_atomic: None,
    allow_no_where: false,
};
const RUN: RunId = RunId(374_231_415_460_829);
const LEDGER: &str = "`shop`.queryfleet_ledger";

/// A script of single-row UPDATEs with one string each: about 70 bytes per statement.
pub fn updates(count: u64) -> String {
    let mut script = String::new();
    for id in 1..=count {
        // Writing into a String has no way to fail.
        let _ = writeln!(script, "UPDATE account SET note = 'paid, it''s {id}', state = 2 WHERE id = {id};");
    }
    script
}

/// A script of INSERTs of 2000 rows each, of some 100 KB.
pub fn inserts(count: u64) -> String {
    let mut script = String::new();
    for _ in 0..count {
        script.push_str("INSERT INTO `account` VALUES (0,'x',NULL)");
        for id in 1..2000 {
            // As above.
            let _ = write!(script, ",({id},'name of \\'{id}\\'','2024-01-02 03:04:05',{id}.5,NULL)");
        }
        script.push_str(";\n");
    }
    script
}

/// The statements of [`updates`] as jobs, in chunks.
pub fn chunks(count: u64, chunk: usize) -> Vec<Chunk> {
    let mut jobs = Vec::new();
    split(&updates(count), |statement| jobs.extend(number(jobs.len() as u64 + 1, statement.sql)));
    jobs.chunks(chunk).map(|jobs| chunk_of(jobs.to_vec())).collect()
}

/// Jobs with four bound values each: a text, a whole number, a number and NULL; in chunks.
pub fn chunks_with_values(count: u64, chunk: usize) -> Vec<Chunk> {
    let job = |seq: u64| Job {
        params: vec![
            Param::Text(format!("paid, it's {seq}")),
            Param::Int(seq as i64),
            Param::Float(seq as f64 + 0.25),
            Param::Null,
        ],
        ..Job::new(seq, "UPDATE account SET note = ?, state = ?, sum = ?, closed = ? WHERE id = 7")
    };
    let jobs: Vec<Job> = (1..=count).map(job).collect();
    jobs.chunks(chunk).map(|jobs| chunk_of(jobs.to_vec())).collect()
}

fn chunk_of(jobs: Vec<Job>) -> Chunk {
    let ledger = LedgerId("0123456789abcdef0123456789abcdef".to_owned());
    let manifest = Some(queryfleet_job::ManifestDigest::of(b"a manifest"));
    Chunk { run: RUN, ledger, manifest, session: 0, not_atomic: None, jobs }
}

/// Splits a script and passes each statement on.
pub fn split(script: &str, mut each: impl FnMut(queryfleet_sql::Statement<'_>)) {
    let mut splitter = Splitter::new(RULES.mode, RULES.limit_bytes);
    for piece in script.as_bytes().chunks(256 << 10) {
        splitter.feed(piece);
        while let Ok(Some(statement)) = splitter.next_statement() {
            each(statement);
        }
    }
}

/// The producer's checks of a statement, but for that of its tables, which needs the catalog of a server; its job if
/// nothing is refused.
pub fn number(seq: u64, sql: &str) -> Option<Job> {
    let inspected = queryfleet_sql::inspect(sql, RULES.mode).ok()?;
    let kind = inspected.kind;
    let length = inspected.sql.len();
    let job = Job::new(seq, sql);
    let statement = Statement { job: &job, kind, length, database: None };
    statement::check_text(&statement, &RULES).ok()?;
    statement::into_job(job, length, None, &RULES).ok()
}

/// The whole way of a script through a producer, up to the broker.
pub fn publish(script: &str, chunk: usize) {
    let (mut seq, mut pending) = (0, None::<Filling>);
    split(script, |statement| {
        seq += 1;
        let Some(job) = number(seq, statement.sql) else { return };
        if !pending.as_mut().is_some_and(|pending| pending.add(&job, RULES.limit_bytes)) {
            pending = Some(Filling::new(&chunk_of(vec![job])));
        }
        if let Some(full) = pending.take_if(|pending| pending.jobs() >= chunk) {
            black_box(full.seal(None));
        }
    });
}

/// A worker's slot without its connections.
pub struct Slot {
    packet: Packet,
    policy: RetryPolicy,
}

impl Default for Slot {
    fn default() -> Slot {
        let pressure_timeout = Duration::from_secs(300);
        let policy = RetryPolicy { max_attempts: 5, tiers: 4, tries_here: 3, pressure_timeout };
        Slot { packet: Packet::default(), policy }
    }
}

impl Slot {
    /// The whole way of a message through a worker when all goes well: decode, check, packet, settle. `None` when
    /// something did not.
    pub fn serve(&mut self, body: &[u8]) -> Option<()> {
        let chunk = envelope::decode(body).ok()?;
        for job in &chunk.jobs {
            queryfleet_sql::check(&job.sql, SqlMode::default()).ok().filter(|kind| kind.is_atomic())?;
        }
        black_box(self.fill(&chunk));
        let progress = Spent { attempts: 0, tries_here: 1, held: Duration::ZERO };
        let settled = chunk.jobs.iter().map(|_| self.settle(&Outcome::Done(1), progress));
        settled.into_iter().all(|settlement| settlement == Settlement::Ack).then_some(())
    }

    /// The packet's text for a chunk.
    pub fn fill(&mut self, chunk: &Chunk) -> &str {
        let savepoint = "q8d1f0c2ab3e45967";
        let context =
            PacketContext { ledger: LEDGER, savepoint, current: Some("shop"), default: "shop", net: false };
        let statements: Vec<_> = chunk.jobs.iter().map(|job| (job, job.sql.as_str().into())).collect();
        packet::build(&mut self.packet, &context, chunk.run, &statements);
        &self.packet.text
    }

    /// What happens to a job.
    pub fn settle(&self, outcome: &Outcome, progress: Spent) -> Settlement {
        settle(black_box(outcome), black_box(progress), &self.policy)
    }

    /// The copy for a retry tier of the first job of a chunk, which has lost against others once too often; `None` when
    /// it is settled otherwise.
    pub fn retry(&self, chunk: &Chunk) -> Option<Message> {
        let message = "Deadlock found when trying to get lock; try restarting transaction".to_owned();
        let failure = Failure { code: Some(1213), sqlstate: Some("40001".to_owned()), message };
        let outcome = Outcome::Conflict(failure);
        let progress = Spent { attempts: 0, tries_here: self.policy.tries_here, held: Duration::ZERO };
        let Settlement::Tier { attempts, .. } = self.settle(&outcome, progress) else { return None };
        let copy = chunk.with_jobs(chunk.jobs.first().into_iter().collect());
        Some(envelope::seal(&copy, None, attempts, outcome.failure().map(ToString::to_string)))
    }
}
