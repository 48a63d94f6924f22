//! The limit: the driver's own loop over a script, without a broker.
//!
//! usage: driver CONNECTIONS CHUNK SCRIPT; chunk 0 is plain autocommit statements, any other the very packets that a
//! worker's slot sends, with so many jobs each. Prints `ready`, waits for a line, and prints `done`.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder};
use queryfleet_bench::say;
use queryfleet_config::Config;
use queryfleet_job::{Chunk, Job, LedgerId, RunId};
use queryfleet_ledger::{Database, RunSession, Session};

type Fault = Box<dyn Error + Send + Sync>;

/// Longer than any of them takes: never reached.
const DEADLINE: Duration = Duration::from_secs(900);

fn main() -> Result<(), Fault> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, connections, chunk, script] = arguments.as_slice() else {
        return Err("usage: driver CONNECTIONS CHUNK SCRIPT".into());
    };
    let script = std::fs::read_to_string(script)?;
    let statements = script.lines().map(|line| line.trim_end_matches(';').to_owned()).collect();
    let (connections, chunk) = (connections.parse()?, chunk.parse()?);
    // As the worker's own runtime is made.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match chunk {
            0 => plain(connections, statements).await,
            chunk => packets(connections, chunk, statements).await,
        }
    })
}

async fn plain(connections: usize, statements: Vec<String>) -> Result<(), Fault> {
    let config = Config::from_env()?;
    let opts = OptsBuilder::from_opts(Opts::from_url(config.mysql_url()?.expose())?).prefer_socket(false);
    let opts = Opts::from(opts);
    let mut conns = Vec::new();
    for _ in 0..connections {
        conns.push(Conn::new(opts.clone()).await?);
    }
    let work = Arc::new(Work::new(statements));
    timed(conns.into_iter().map(|mut conn| {
        let work = work.clone();
        async move {
            while let Some(statement) = work.next() {
                conn.query_drop(statement.as_str()).await?;
            }
            Ok(())
        }
    }))
    .await
}

async fn packets(connections: usize, chunk: usize, statements: Vec<String>) -> Result<(), Fault> {
    let database = Arc::new(Database::new(&Config::from_env()?)?);
    let run = RunId::fresh();
    let jobs: Vec<Job> = (1..).zip(statements).map(|(seq, sql)| Job::new(seq, sql)).collect();
    let chunks = jobs.chunks(chunk).map(|jobs| Chunk {
        run,
        ledger: LedgerId(String::new()),
        manifest: None,
        session: 0,
        not_atomic: None,
        jobs: jobs.to_vec(),
    });
    let work = Arc::new(Work::new(chunks.collect()));
    let mut sessions = Vec::new();
    for _ in 0..connections {
        let mut session = Session::new(database.clone());
        session.prepare(RunSession::NONE).await?;
        sessions.push(session);
    }
    timed(sessions.into_iter().map(|mut session| {
        let work = work.clone();
        async move {
            while let Some(chunk) = work.next() {
                let never = std::future::pending();
                let done = session.attempt(chunk, &chunk.jobs, true, DEADLINE, never).await;
                done.map_err(|failed| format!("{failed:?}"))?;
            }
            Ok(())
        }
    }))
    .await
}

/// What is to do, taken piece by piece by whoever is free.
struct Work<T> {
    pieces: Vec<T>,
    taken: AtomicUsize,
}

impl<T> Work<T> {
    fn new(pieces: Vec<T>) -> Work<T> {
        Work { pieces, taken: AtomicUsize::new(0) }
    }

    fn next(&self) -> Option<&T> {
        self.pieces.get(self.taken.fetch_add(1, Ordering::Relaxed))
    }
}

/// Runs all loops between the bench's two words.
async fn timed(
    loops: impl Iterator<Item = impl Future<Output = Result<(), Fault>> + Send + 'static>,
) -> Result<(), Fault> {
    let loops: Vec<_> = loops.collect();
    say("ready")?;
    let running: Vec<_> = loops.into_iter().map(tokio::spawn).collect();
    for one in running {
        one.await??;
    }
    // The bench looks at what this process has used before it lets it end.
    Ok(say("done")?)
}
