//! Those who take part.

mod celery;
mod client;
mod consumers;
mod dramatiq;
mod driver;
mod huge;
mod pool;
mod purge;
mod queryfleet;
mod scale;
mod start;
mod whole;

use std::process::Command;
use std::time::{Duration, Instant};

use crate::Fault;
use crate::case::Task;
use crate::client::{Client, Read};
use crate::ground::Ground;
use crate::meter::Meter;
use crate::results::Sample;
use crate::workload::Workload;

/// How long a side may take before something must be wrong with it.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is looked how far a side is: a query of some 0.3 ms.
const LOOK: Duration = Duration::from_millis(20);

/// Somebody who executes statements.
pub(crate) trait Side {
    /// Known by it in the table.
    fn name(&self) -> String;

    /// With how many statements of the workload it is busy for some seconds; `None`: it does not take part.
    fn jobs(&self, workload: Workload) -> Option<usize>;

    /// Does all of it.
    ///
    /// # Errors
    /// When it does not come to its end.
    fn run(&self, ground: &Ground, task: &Task) -> Result<Sample, Fault>;
}

/// All sides, in the order in which a round goes through them.
pub(crate) fn all() -> Vec<Box<dyn Side>> {
    let mut all: Vec<Box<dyn Side>> = Vec::new();
    all.extend(whole::all());
    for chunk in ["auto", "1", "32"] {
        for slots in [4, 16] {
            all.push(Box::new(queryfleet::Queryfleet { slots, chunk }));
        }
    }
    // What `auto` is compared with.
    all.extend(
        ["128", "512"].map(|chunk| Box::new(queryfleet::Queryfleet { slots: 4, chunk }) as Box<dyn Side>),
    );
    for processes in [4, 16] {
        all.push(Box::new(pool::Pool { processes }));
        all.push(Box::new(celery::Celery { processes }));
        all.push(Box::new(dramatiq::Dramatiq { processes }));
    }
    all.push(Box::new(client::Client::File));
    all.push(Box::new(client::Client::XargsFiles));
    all.push(Box::new(client::Client::XargsStatements));
    for chunk in [0, 1, 32] {
        for connections in [4, 16] {
            all.push(Box::new(driver::Driver { connections, chunk }));
        }
    }
    all.push(Box::new(driver::Driver { connections: 4, chunk: driver::AUTO }));
    all.extend([4, 16].map(|count| Box::new(consumers::Consumers(count)) as Box<dyn Side>));
    all.extend(purge::all());
    all.extend([1, 2, 4, 8].map(|workers| Box::new(scale::Scale { workers }) as Box<dyn Side>));
    all.push(Box::new(start::Start));
    all.push(Box::new(huge::Huge));
    all
}

/// So many statements make some seconds for a side without a broker that executes `parallel` of them at once.
fn usual_jobs(workload: Workload, parallel: usize) -> Option<usize> {
    match workload {
        Workload::Whole | Workload::Update | Workload::Insert => Some(20_000),
        Workload::Sleep => Some(usize::min(300 * parallel, 2000)),
        _ => None,
    }
}

/// INSERTs are for the smaller fleets of the peers: the larger ones do no better than at UPDATEs.
fn only_four(workload: Workload, processes: usize) -> Option<()> {
    (workload != Workload::Insert || processes == 4).then_some(())
}

/// A process that says `ready`, waits for a line, works, and says `done`. Measured is what is between the words.
fn talk(ground: &Ground, command: &mut Command, count: usize) -> Result<Sample, Fault> {
    let mut client = Client::start(command, Read::Output)?;
    client.expect("ready")?;
    let meter = Meter::start(ground, client.pid());
    client.go()?;
    client.expect("done")?;
    let sample = Sample::of(count as f64, &meter.stop());
    client.go()?;
    client.ended()?;
    Ok(sample)
}

/// How many statements a task queue of Python's takes part with: it publishes one by one, too.
fn queue_jobs(workload: Workload, processes: usize) -> Option<usize> {
    if workload == Workload::Whole {
        return None;
    }
    only_four(workload, processes)?;
    usual_jobs(workload, processes).map(|jobs| jobs.min(5000))
}

/// A task queue of Python's: `publisher` publishes the script, then `worker`, whose stream `read` is read, drains the
/// queue.
fn queue(
    ground: &Ground,
    task: &Task,
    publisher: &str,
    worker: &mut Command,
    read: Read,
) -> Result<Sample, Fault> {
    let mut publish = ground.python("python");
    let published = talk(ground, publish.arg(publisher).arg(&task.script), task.jobs)?;
    let before = ground.sql.counter(task.workload.counter())?;
    let mut worker = Client::start(worker, read)?;
    worker.ignore();
    let sample = drain(ground, worker.pid(), task.jobs, || begun(ground, task.workload, before))?;
    worker.terminate();
    Ok(sample.after(&published))
}

/// A process that ends by itself. Measured is all of its life.
fn whole(ground: &Ground, command: &mut Command, count: usize) -> Result<Sample, Fault> {
    let mut client = Client::start(command, Read::Nothing)?;
    let meter = Meter::start(ground, client.pid());
    client.ended()?;
    Ok(Sample::of(count as f64, &meter.stop()))
}

/// Processes that drain a queue. Measured is what is between the first `done` that is seen and the last.
fn drain(
    ground: &Ground,
    client: u32,
    count: usize,
    done: impl Fn() -> Result<usize, Fault>,
) -> Result<Sample, Fault> {
    let since = Instant::now();
    let wait_for = |wanted: usize| loop {
        let now = done()?;
        if now >= wanted {
            return Ok::<_, Fault>(now);
        }
        if since.elapsed() > PATIENCE {
            return Err(format!("only {now} of {count} were done after {} s", PATIENCE.as_secs()).into());
        }
        std::thread::sleep(LOOK);
    };
    let first = wait_for(1)?;
    let meter = Meter::start(ground, client);
    wait_for(count)?;
    Ok(Sample::of((count - first) as f64, &meter.stop()))
}

/// How many statements of the workload the server has begun since `before`. Sides are not asked themselves: that would
/// be work, too.
fn begun(ground: &Ground, workload: Workload, before: usize) -> Result<usize, Fault> {
    Ok(ground.sql.counter(workload.counter())? - before)
}
