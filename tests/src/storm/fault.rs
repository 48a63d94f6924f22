//! What can strike, and how.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Scope;
use std::time::Duration;

use fastrand::Rng;
use queryfleet_devstack::RabbitMq;

use super::Sky;

/// How many connections one burst of KILL strikes.
const BURST: usize = 12;
/// A fraction of the memory that every node uses more of.
const ALARM: &str = "0.000001";
/// The fraction that devstack's nodes have.
const NO_ALARM: &str = "0.4";

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    WorkerKilled,
    WorkerFrozen,
    WorkerDrained,
    BrokerKilled,
    MajorityKilled,
    BrokerFrozen,
    BrokerAlarm,
    DatabaseKilled,
    DatabaseTerminated,
    SessionsKilled,
    QueriesKilled,
    ProducerKilled,
    /// Somebody pauses the fleet or limits it, for some seconds.
    Steered,
}

use Fault::*;

impl Fault {
    /// Rarer is what stops everything for seconds.
    const WEIGHTED: [Fault; 24] = [
        WorkerKilled,
        WorkerKilled,
        WorkerKilled,
        WorkerFrozen,
        WorkerFrozen,
        WorkerDrained,
        WorkerDrained,
        BrokerKilled,
        MajorityKilled,
        BrokerFrozen,
        BrokerAlarm,
        DatabaseKilled,
        DatabaseTerminated,
        SessionsKilled,
        SessionsKilled,
        SessionsKilled,
        QueriesKilled,
        QueriesKilled,
        QueriesKilled,
        ProducerKilled,
        ProducerKilled,
        Steered,
        Steered,
        Steered,
    ];

    pub(super) fn choose(rng: &mut Rng) -> Fault {
        Fault::WEIGHTED[rng.usize(0..Fault::WEIGHTED.len())]
    }

    fn as_str(self) -> &'static str {
        match self {
            WorkerKilled => "worker-killed",
            WorkerFrozen => "worker-frozen",
            WorkerDrained => "worker-drained",
            BrokerKilled => "broker-killed",
            MajorityKilled => "majority-killed",
            BrokerFrozen => "broker-frozen",
            BrokerAlarm => "broker-alarm",
            DatabaseKilled => "database-killed",
            DatabaseTerminated => "database-terminated",
            SessionsKilled => "sessions-killed",
            QueriesKilled => "queries-killed",
            ProducerKilled => "producer-killed",
            Steered => "steered",
        }
    }
}

/// Begins a fault, and answers false when what it strikes is struck already or not there. The fault goes on in a
/// thread of its own.
pub(super) fn begin<'scope>(
    sky: &'scope Sky<'_>,
    scope: &'scope Scope<'scope, '_>,
    fault: Fault,
    mut rng: Rng,
) -> bool {
    let free = |busy: &AtomicBool| !busy.swap(true, Ordering::Acquire);
    let begun = match fault {
        WorkerKilled | WorkerFrozen | WorkerDrained => match sky.ranks.take(&mut rng) {
            Some(index) => {
                scope.spawn(move || strike_worker(sky, fault, index, &mut rng));
                true
            }
            None => false,
        },
        BrokerKilled | MajorityKilled | BrokerFrozen | BrokerAlarm if free(&sky.broker_busy) => {
            scope.spawn(move || strike_broker(sky, fault, &mut rng));
            true
        }
        DatabaseKilled | DatabaseTerminated if free(&sky.database_busy) => {
            scope.spawn(move || strike_database(sky, fault, &mut rng));
            true
        }
        Steered if free(&sky.steering_busy) => {
            scope.spawn(move || steer(sky, &mut rng));
            true
        }
        Steered | BrokerKilled | MajorityKilled | BrokerFrozen | BrokerAlarm => false,
        DatabaseKilled | DatabaseTerminated => false,
        SessionsKilled => kill_sessions(sky, "", &mut rng),
        QueriesKilled => kill_sessions(sky, "QUERY", &mut rng),
        ProducerKilled => {
            let publishing = !sky.published.load(Ordering::Relaxed);
            publishing && !sky.kill_producer.swap(true, Ordering::Relaxed)
        }
    };
    if begun {
        sky.faults.fetch_add(1, Ordering::Relaxed);
        *sky.kinds.lock().expect("nobody panics with it").entry(fault.as_str()).or_default() += 1;
    } else {
        std::thread::sleep(Duration::from_millis(5));
    }
    begun
}

fn strike_worker(sky: &Sky<'_>, fault: Fault, index: usize, rng: &mut Rng) {
    let wrong = match fault {
        WorkerKilled => sky.ranks.kill(index),
        WorkerFrozen => sky.ranks.freeze(index, rng),
        _ => sky.ranks.replace(index),
    };
    if let Some(text) = wrong {
        sky.odd(text);
    }
}

fn strike_broker(sky: &Sky<'_>, fault: Fault, rng: &mut Rng) {
    let mut nodes: Vec<&RabbitMq> = sky.fleet.servers().nodes().collect();
    rng.shuffle(&mut nodes);
    let node = nodes[0];
    let away = Duration::from_millis(rng.u64(0..2500));
    let struck = match fault {
        BrokerKilled => kill_nodes(sky, &nodes[..1], away),
        MajorityKilled => kill_nodes(sky, &nodes[..2], away),
        BrokerFrozen => {
            node.freeze();
            // Long enough for its clients to give it up.
            sky.pause(2 * away);
            node.thaw();
            Ok(())
        }
        _ => node.ctl(&["set_vm_memory_high_watermark", ALARM]).and_then(|_| {
            sky.pause(away);
            node.ctl(&["set_vm_memory_high_watermark", NO_ALARM]).map(drop)
        }),
    };
    finish(sky, &sky.broker_busy, struck, rng);
}

fn kill_nodes(sky: &Sky<'_>, nodes: &[&RabbitMq], away: Duration) -> Result<(), queryfleet_devstack::Error> {
    nodes.iter().try_for_each(|node| node.kill())?;
    sky.pause(away);
    RabbitMq::start_all_again(nodes.iter().copied())
}

fn strike_database(sky: &Sky<'_>, fault: Fault, rng: &mut Rng) {
    let database = &sky.fleet.servers().stack.database;
    let away = Duration::from_millis(rng.u64(0..2500));
    let ended = if fault == DatabaseKilled { database.kill() } else { database.terminate() };
    let struck = ended.and_then(|()| {
        sky.pause(away);
        database.start_again()
    });
    finish(sky, &sky.database_busy, struck, rng);
}

/// Holds the queue for a while, or limits it and takes the limit away again. A command that fails, since a server is away,
/// changes nothing, or leaves the limit to the next one.
fn steer(sky: &Sky<'_>, rng: &mut Rng) {
    let (slots, rate) = (rng.u32(1..8).to_string(), format!("{}/s", rng.u32(300..2000)));
    let seconds = format!("{}s", rng.u32(1..5));
    let commands: [&[&str]; 4] = [
        &["pause", "--until", &seconds],
        &["pause", "--now", "--until", &seconds],
        &["limit", "--slots", &slots],
        &["limit", "--slots", &slots, "--rate", &rate],
    ];
    run(sky, commands[rng.usize(0..commands.len())]);
    sky.pause(Duration::from_millis(rng.u64(500..5000)));
    run(sky, &["limit", "--slots", "off", "--rate", "off"]);
    sky.steering_busy.store(false, Ordering::Release);
}

fn run(sky: &Sky<'_>, arguments: &[&str]) {
    let mut command = sky.fleet.command(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // How it ends depends on what is struck meanwhile; that it ends does not.
    if let Err(error) = command.status() {
        sky.odd(format!("a command cannot be run: {error}"));
    }
}

fn finish(sky: &Sky<'_>, busy: &AtomicBool, struck: Result<(), queryfleet_devstack::Error>, rng: &mut Rng) {
    if let Err(error) = struck {
        sky.odd(format!("a server did not come back: {error}"));
    }
    // Without a while of service between two of its ends nothing would be under way when the next one comes.
    sky.pause(Duration::from_millis(rng.u64(1000..6000)));
    busy.store(false, Ordering::Release);
}

/// Kills connections, or what they execute, chosen at random, at moments that nothing foresees.
fn kill_sessions(sky: &Sky<'_>, what: &str, rng: &mut Rng) -> bool {
    let Some(mut dba) = sky.fleet.try_client() else { return false };
    let mut kills = 0;
    for _ in 0..BURST {
        let Ok(sessions) = dba.try_sessions() else { break };
        let Some(id) = rng.choice(sessions).map(|session| session.id) else { continue };
        std::thread::sleep(Duration::from_micros(rng.u64(0..20_000)));
        kills += u32::from(dba.run(&format!("KILL {what} {id}")).is_ok());
    }
    kills > 0
}
