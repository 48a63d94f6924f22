//! What the broker's facts mean. Pure.

use std::time::Duration;

use queryfleet_broker::{ConnectionFacts, Depth, QueuePolicy, Topology};
use queryfleet_config::{Config, format_duration};

use super::finding::Finding;

/// The server's own default; what it is set to cannot be read over AMQP.
const DEFAULT_CONSUMER_TIMEOUT: Duration = Duration::from_secs(30 * 60);
pub(super) const TLS: &str = "broker TLS";
/// A heartbeat of a worker is believed for so many intervals; the broker drops a silent connection at the latest after
/// as many of its own.
const MISSED_HEARTBEATS: u32 = 3;

/// A URL that does not answer.
#[derive(Clone, Debug)]
pub(super) struct Lost {
    /// Why, with every cause.
    pub(super) text: String,
    /// Whether it is about TLS; the text says what to do then.
    pub(super) tls: bool,
}

/// Each URL: whether it answers, with TLS or not. One that does not is a failure only when none does.
pub(super) fn links(links: &[Result<ConnectionFacts, Lost>]) -> Vec<Finding> {
    let any = links.iter().any(Result::is_ok);
    let lines = |link: &Result<ConnectionFacts, Lost>| match link {
        Ok(link) => {
            let tls = if link.tls { "in use, verified" } else { "not in use: to ask for it write amqps://" };
            vec![
                Finding::ok("broker", format!("connected to {}", link.server)),
                Finding::ok(TLS, format!("{tls} ({})", link.server)),
            ]
        }
        Err(lost) => {
            let check = if lost.tls { TLS } else { "broker" };
            vec![match (any, lost.tls) {
                (true, _) => Finding::warn(check, lost.text.clone(), "only the other URLs are of use"),
                (false, true) => Finding::fail(check, lost.text.clone(), ""),
                (false, false) => {
                    let remedy = "check QUERYFLEET_AMQP_URL, the network and the server";
                    Finding::fail(check, lost.text.clone(), remedy)
                }
            }]
        }
    };
    links.iter().flat_map(lines).collect()
}

/// The queues were declared again: they exist, with our arguments.
pub(super) fn queues(topology: &Topology, config: &Config) -> [Finding; 2] {
    let queues = format!(
        "{}, {} retry tiers and the dead queue are there with this configuration's arguments",
        topology.work(),
        topology.tiers()
    );
    let limit = format!("x-delivery-limit={}, as stated by QUERYFLEET_DELIVERY_LIMIT", config.delivery_limit);
    [Finding::ok("queues", queues), Finding::ok("delivery limit", limit)]
}

const POLICIES: &str = "policies";

/// Nobody can be asked.
pub(super) fn policies_unseen() -> Finding {
    Finding::warn(
        POLICIES,
        "policies cannot be seen over AMQP, and one with message-ttl, max-length, expires or delivery-limit on queryfleet.* \
         loses jobs or kills them",
        "set QUERYFLEET_MANAGEMENT_URL, or look with rabbitmqctl list_policies and list_operator_policies",
    )
}

/// What policies make of the queues that we have declared otherwise.
pub(super) fn policies(topology: &Topology, policies: &[QueuePolicy]) -> Vec<Finding> {
    let harmful = policies.iter().filter_map(|policy| harm(topology, policy)).collect::<Vec<_>>();
    if harmful.is_empty() {
        vec![Finding::ok(POLICIES, format!("none moves what waits in {} queues", policies.len()))]
    } else {
        harmful
    }
}

fn harm(topology: &Topology, policy: &QueuePolicy) -> Option<Finding> {
    let has = |key: &str| policy.definition.get(key).map(|value| format!("{key}={value}"));
    let lost = ["message-ttl", "expires"].into_iter().filter_map(has);
    // Of the dead queue, which has nowhere to dead-letter to, every limit drops messages.
    let of_dead = ["max-length", "max-length-bytes", "delivery-limit"].into_iter().filter_map(has);
    let lost: Vec<String> =
        if policy.queue == topology.dead() { lost.chain(of_dead).collect() } else { lost.collect() };
    let names = policy.names.join(", ");
    let queue = &policy.queue;
    let remedy = format!("take it out of the policy {names}, or let that not match {queue}");
    if !lost.is_empty() {
        let found =
            format!("policy {names} has {} on {queue}: what waits there is lost or dead", lost.join(", "));
        return Some(Finding::fail(POLICIES, found, remedy));
    }
    let kept: Vec<String> = ["max-length", "max-length-bytes", "delivery-limit", "overflow"]
        .into_iter()
        .chain(["dead-letter-exchange", "dead-letter-routing-key", "dead-letter-strategy"])
        .filter_map(has)
        .collect();
    let found = || format!("policy {names} has {} on {queue}: jobs may wait or die by it", kept.join(", "));
    (!kept.is_empty()).then(|| Finding::warn(POLICIES, found(), remedy))
}

/// What came of a message for no queue.
pub(super) fn publishing(published: Option<Result<(), String>>) -> Finding {
    const CHECK: &str = "publishing";
    match published {
        Some(Ok(())) => Finding::ok(CHECK, "a message for no queue was taken, and came back"),
        Some(Err(text)) => Finding::fail(CHECK, text, ""),
        None => Finding::fail(
            CHECK,
            "the broker accepts no message now: it does not confirm one",
            "end its memory or disk alarm (rabbitmqctl status); publishing waits for that",
        ),
    }
}

/// Who serves the queue, and what has been dead-lettered.
pub(super) fn depth(topology: &Topology, depth: &Depth) -> [Finding; 2] {
    let work = topology.work();
    let dead = topology.dead();
    let waiting = format!("{} messages ready, {} in retry tiers", depth.work, depth.retry);
    let consumers = match depth.consumers {
        0 => Finding::warn(
            "consumers",
            format!("nobody serves {work}; {waiting}"),
            "start a worker: queryfleet work",
        ),
        slots => Finding::ok("consumers", format!("{slots} slots serve {work}; {waiting}")),
    };
    let dead = match depth.dead {
        0 => Finding::ok("dead queue", format!("{dead} is empty")),
        count => Finding::warn(
            "dead queue",
            format!("{count} messages in {dead}, of which the ledger does not know yet"),
            "a running worker moves them to queryfleet_dead: then queryfleet dead list",
        ),
    };
    [consumers, dead]
}

/// How long a slot may hold a message, against the broker's patience.
pub(super) fn consumer_timeout(statement: Duration, pressure: Duration) -> Finding {
    let longest = statement.saturating_add(pressure);
    let found = format!(
        "a slot holds a message for up to {} as a rule (QUERYFLEET_STATEMENT_TIMEOUT + QUERYFLEET_PRESSURE_TIMEOUT); the broker's \
         consumer_timeout cannot be read over AMQP, its default is {}",
        format_duration(longest),
        format_duration(DEFAULT_CONSUMER_TIMEOUT)
    );
    if longest < DEFAULT_CONSUMER_TIMEOUT {
        return Finding::ok("consumer timeout", found);
    }
    let milliseconds = longest.as_millis() + DEFAULT_CONSUMER_TIMEOUT.as_millis() / 6;
    let remedy = format!("lower one of the two, or set consumer_timeout = {milliseconds} in rabbitmq.conf");
    Finding::warn("consumer timeout", found, remedy)
}

/// Whether a job of a worker that was cut off is back in its queue before `wait` calls it missing.
pub(super) fn heartbeats(config: &Config, amqp_s: u16) -> Finding {
    const CHECK: &str = "heartbeats";
    if amqp_s == 0 {
        let found =
            "the connection has no AMQP heartbeat: a worker that was cut off keeps its message for hours";
        return Finding::warn(
            CHECK,
            found,
            "take heartbeat=0 out of QUERYFLEET_AMQP_URL and the server's configuration",
        );
    }
    let ours = (config.heartbeat_interval * MISSED_HEARTBEATS).saturating_add(config.missing_timeout);
    let brokers = Duration::from_secs(amqp_s.into()) * MISSED_HEARTBEATS;
    let found = format!(
        "wait calls a silent worker's jobs missing after {} ({MISSED_HEARTBEATS} × QUERYFLEET_HEARTBEAT_INTERVAL + \
         QUERYFLEET_MISSING_TIMEOUT); the broker gives them to others after {} ({MISSED_HEARTBEATS} × the AMQP heartbeat)",
        format_duration(ours),
        format_duration(brokers)
    );
    if ours > brokers {
        Finding::ok(CHECK, found)
    } else {
        Finding::warn(
            CHECK,
            found,
            format!("raise QUERYFLEET_MISSING_TIMEOUT above {}", format_duration(brokers)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level::{self, Fail, Ok as Good, Warn};
    use super::*;

    fn link(tls: bool) -> Result<ConnectionFacts, Lost> {
        Ok(ConnectionFacts { server: "rabbit.example:5672//".into(), tls, heartbeat_s: 10 })
    }

    #[test]
    fn one_url_that_answers_is_enough() {
        let lost = |tls| Err(Lost { text: "cannot connect".into(), tls });
        let rows: [(_, &[(&str, Level)]); 4] = [
            ([link(true), link(false)], &[("broker", Good), (TLS, Good), ("broker", Good), (TLS, Good)]),
            ([link(true), lost(false)], &[("broker", Good), (TLS, Good), ("broker", Warn)]),
            ([lost(true), link(true)], &[(TLS, Warn), ("broker", Good), (TLS, Good)]),
            ([lost(false), lost(true)], &[("broker", Fail), (TLS, Fail)]),
        ];
        for (facts, wanted) in rows {
            let found: Vec<_> = links(&facts).iter().map(|finding| (finding.check, finding.level)).collect();
            assert_eq!(found, wanted, "{facts:?}");
        }
    }

    #[test]
    fn a_policy_that_loses_what_waits_fails_and_one_that_limits_warns() {
        let topology = Topology::new("default", &[Duration::from_secs(1)], 20).unwrap();
        let level = |queue: String, key: &str| {
            let definition = [(key.to_owned(), "5".to_owned())].into();
            let found = policies(&topology, &[QueuePolicy { queue, names: vec!["p".into()], definition }]);
            assert!(
                found.len() == 1 && (found[0].level == Good || found[0].found.contains(key)),
                "{found:?}"
            );
            found[0].level
        };
        for (key, work, dead) in [
            ("message-ttl", Fail, Fail),
            ("expires", Fail, Fail),
            ("max-length", Warn, Fail),
            ("delivery-limit", Warn, Fail),
            ("dead-letter-exchange", Warn, Warn),
            ("queue-leader-locator", Good, Good),
        ] {
            let levels = (level(topology.work(), key), level(topology.dead(), key));
            assert_eq!(levels, (work, dead), "{key}");
        }
        assert_eq!(policies_unseen().level, Warn);
    }

    #[test]
    fn nobody_at_work_and_a_full_dead_queue_warn() {
        let topology = Topology::new("default", &[Duration::from_secs(1)], 20).unwrap();
        let levels = |consumers, dead| {
            depth(&topology, &Depth { work: 1, retry: 0, dead, consumers }).map(|finding| finding.level)
        };
        assert_eq!(levels(4, 0), [Good, Good]);
        assert_eq!(levels(0, 3), [Warn, Warn]);
    }

    #[test]
    fn a_slot_has_to_let_go_before_the_broker_takes_its_message_away() {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        for (statement, pressure, wanted) in [(15, 5, Good), (29, 0, Good), (25, 5, Warn), (60, 5, Warn)] {
            let finding = consumer_timeout(minutes(statement), minutes(pressure));
            assert_eq!(finding.level, wanted, "{finding:?}");
        }
        assert!(consumer_timeout(minutes(60), minutes(5)).remedy.contains("consumer_timeout = 4200000"));
    }

    #[test]
    fn jobs_are_not_called_missing_before_the_broker_has_noticed() {
        let config = |missing: &str| {
            let variables =
                [("QUERYFLEET_HEARTBEAT_INTERVAL", "5s"), ("QUERYFLEET_MISSING_TIMEOUT", missing)];
            Config::from_vars(variables.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap()
        };
        for (missing, amqp_s, wanted) in
            [("60s", 10, Good), ("16s", 10, Good), ("15s", 10, Warn), ("60s", 60, Warn), ("60s", 0, Warn)]
        {
            let finding = heartbeats(&config(missing), amqp_s);
            assert_eq!(finding.level, wanted, "{missing}, {amqp_s} s: {finding:?}");
        }
        let defaults = Config::from_vars([]).unwrap();
        assert_eq!(heartbeats(&defaults, 10).level, Good);
    }
}
