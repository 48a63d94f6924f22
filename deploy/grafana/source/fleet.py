"""The fleet: is it well, what does it do, what does it wait for."""

from grafana import dashboard, panel, row, stat
from terms import (
    ANNOTATIONS,
    DONE,
    ERROR_SHARE,
    MESSAGES,
    OURS,
    REST,
    TIME_LEFT,
    WORK,
    N,
    Q,
    quantile,
    queue,
    rate,
)

OVERVIEW = row(
    "Overview",
    stat("Jobs done", "Jobs that took effect, a second.", "ops", rate("queryfleet_jobs_total", DONE)),
    stat(
        "Messages left",
        "Messages with the broker: waiting, being executed, in retry tiers, dead-lettered.",
        "short",
        MESSAGES,
    ),
    stat("Time left", "Messages left by the rate at which messages end now.", "s", TIME_LEFT),
    stat("Errors", "Share of the attempts that failed.", "percentunit", ERROR_SHARE, 0.05),
    stat(
        "Dead, 24 h",
        "Jobs that will not be tried again, and messages that could not be read: queryfleet dead list.",
        "short",
        f"sum(increase(queryfleet_dead_jobs_total{{{Q}}}[24h]))",
        1,
    ),
    stat("In flight", "Jobs that are being executed now.", "short", f"sum(queryfleet_jobs_in_flight{{{Q}}})"),
    stat("Workers", "Workers that are scraped.", "short", f"count(queryfleet_slots{{{Q}}})"),
    stat(
        "Disconnected",
        "Workers without their broker or their database.",
        "short",
        f"sum(1 - min by (instance) (queryfleet_dependency_up{{{N}}}))",
        1,
    ),
)

QUEUE = row(
    "Queue",
    panel(
        "Work queue",
        "Messages that wait, and messages that slots hold. One message has as many jobs as --chunk says.",
        "short",
        ("{{queue}} waiting", queue("rabbitmq_detailed_queue_messages_ready", WORK)),
        ("{{queue}} held", queue("rabbitmq_detailed_queue_messages_unacked", WORK)),
    ),
    panel(
        "Retry tiers and dead queue",
        "Messages that wait for their next attempt; workers empty the dead queue into the table queryfleet_dead.",
        "short",
        ("{{queue}}", queue("rabbitmq_detailed_queue_messages", REST)),
    ),
    panel(
        "Consumers and slots",
        "Each slot is one consumer; fewer consumers than allowed slots: some are not connected. A hold or a limit allows fewer slots than there are.",
        "short",
        ("consumers", f"sum({queue('rabbitmq_detailed_queue_consumers', WORK)})"),
        ("slots", f"sum(queryfleet_slots{{{Q}}})"),
        ("allowed", f"sum(queryfleet_slots_allowed{{{Q}}})"),
    ),
    panel(
        "Queue wait",
        "From the publishing of a message, or of its copy for a retry, to the start of its execution.",
        "s",
        ("median", quantile(0.5, "queryfleet_job_queue_wait_seconds")),
        ("90 %", quantile(0.9, "queryfleet_job_queue_wait_seconds")),
    ),
    panel(
        "Copies published",
        "Retry copies and messages given back, by how the broker answered. Producers serve no metrics.",
        "ops",
        ("{{result}}", rate("queryfleet_messages_published_total", by="result")),
    ),
    panel(
        "Redeliveries",
        "Messages that the broker had delivered before: a worker or its connection was lost.",
        "ops",
        ("redelivered", rate("queryfleet_redeliveries_total")),
    ),
)

JOBS = row(
    "Jobs",
    panel(
        "Attempts by outcome",
        "Every attempt at a job, by how it ended.",
        "ops",
        ("{{outcome}}", rate("queryfleet_jobs_total", by="outcome") + " > 0"),
    ),
    panel(
        "Messages by what became of them",
        "ack: all its jobs have ended; dead: one of them dead; retry: some copied to a tier; give_back: some copied to the queue, not counted; reject: not readable.",
        "ops",
        ("{{action}}", rate("queryfleet_deliveries_settled_total", by="action")),
    ),
    panel(
        "Errors by class",
        "Errors that attempts met, also those that were mended at once.",
        "ops",
        ("{{class}}", rate("queryfleet_job_errors_total", by="class") + " > 0"),
    ),
    panel(
        "Duration",
        "Of attempts that took effect, from the first byte sent to the answer to COMMIT.",
        "s",
        ("median", quantile(0.5, "queryfleet_job_duration_seconds").replace(Q, DONE)),
        ("90 %", quantile(0.9, "queryfleet_job_duration_seconds").replace(Q, DONE)),
        ("99 %", quantile(0.99, "queryfleet_job_duration_seconds").replace(Q, DONE)),
    ),
    panel(
        "Durations",
        "How many attempts took how long.",
        "s",
        ("{{le}}", f"sum by (le) (increase(queryfleet_job_duration_seconds_bucket{{{Q}}}[$__rate_interval]))"),
        kind="heatmap",
        width=16,
    ),
)

WORKERS = row(
    "Workers",
    panel("Jobs begun", "By worker.", "ops", ("{{instance}}", rate("queryfleet_jobs_started_total", by="instance"))),
    panel(
        "Busy slots",
        "Share of the time in which slots execute.",
        "percentunit",
        (
            "{{instance}}",
            f"sum by (instance) (rate(queryfleet_job_duration_seconds_sum{{{Q}}}[$__rate_interval])) / sum by (instance) (queryfleet_slots{{{Q}}})",
        ),
        max=1,
    ),
    panel(
        "Oldest running statement",
        "RabbitMQ takes a message back after 30 minutes; STATEMENT_TIMEOUT ends statements before.",
        "s",
        ("{{instance}}", f"time() - (queryfleet_oldest_job_started_timestamp_seconds{{{N}}} > 0)"),
    ),
    panel(
        "Since the last job",
        "How long ago an attempt ended.",
        "s",
        ("{{instance}}", f"time() - (queryfleet_last_job_completed_timestamp_seconds{{{N}}} > 0)"),
    ),
    panel(
        "In flight",
        "Jobs that are being executed, by worker.",
        "short",
        ("{{instance}}", f"queryfleet_jobs_in_flight{{{Q}}}"),
    ),
    panel(
        "Draining, held, governing",
        "Workers that were told to stop, those whose queue is held, and the one that makes the checks of its limit.",
        "bool",
        ("{{instance}} drains", f"queryfleet_draining{{{N}}}"),
        ("{{instance}} is held", f"queryfleet_held{{{Q}}}"),
        ("{{instance}} makes the checks", f"queryfleet_governor{{{Q}}}"),
    ),
    panel(
        "Checks of the limit",
        "What each check has found last. At its limit no job begins.",
        "short",
        ("{{check}}", f"max by (check) (queryfleet_check_value{{{Q}}})"),
        ("limit of {{check}}", f"max by (check) (queryfleet_check_limit{{{Q}}})"),
    ),
    panel(
        "Checks that cannot be made",
        "For how long; from 15 s on no job begins.",
        "s",
        ("{{check}}", f"max by (check) (queryfleet_check_age_seconds{{{Q}}}) > 1"),
    ),
)

DATABASE = row(
    "Database",
    panel("Rows changed", "As the database counts them.", "ops", ("rows", rate("queryfleet_rows_affected_total"))),
    panel(
        "Connected",
        "Whether workers have their broker and their database.",
        "bool",
        ("{{instance}} {{dependency}}", f"queryfleet_dependency_up{{{N}}}"),
    ),
    panel(
        "Reconnects",
        "Connections made after one was lost.",
        "ops",
        ("{{dependency}}", rate("queryfleet_reconnects_total", N, "dependency")),
    ),
    panel(
        "Conflicts and pressure",
        "Deadlocks and lock waits; a database that fails over or is short of resources; connections lost in a job.",
        "ops",
        (
            "{{class}}",
            rate("queryfleet_job_errors_total", Q + ', class=~"conflict|pressure|lost_after_send|not_sent"', "class"),
        ),
    ),
    panel(
        "Statements killed",
        "By us: past their deadline, at the end of a drain, by cancel --now.",
        "ops",
        ("{{reason}}", rate("queryfleet_statements_killed_total", N, "reason")),
    ),
    panel(
        "Rows a job",
        "Rows that a job changes.",
        "short",
        ("rows", f"{rate('queryfleet_rows_affected_total')} / ({rate('queryfleet_jobs_total', DONE)} > 0)"),
    ),
)

HPA = f'horizontalpodautoscaler=~".*worker.*", {N}'
SCALING = row(
    "Scaling",
    panel(
        "Workers and slots",
        "As they are scraped.",
        "short",
        ("workers", f"count(queryfleet_slots{{{Q}}})"),
        ("slots", f"sum(queryfleet_slots{{{Q}}})"),
    ),
    panel(
        "Messages a worker",
        "What KEDA's messagesPerReplica is compared with.",
        "short",
        ("messages", f"sum({queue('rabbitmq_detailed_queue_messages', WORK)}) / count(queryfleet_slots{{{Q}}})"),
    ),
    panel(
        "Replicas",
        "What the autoscaler wants, has, and may have at most. Needs kube-state-metrics.",
        "short",
        ("{{horizontalpodautoscaler}} wanted", f"kube_horizontalpodautoscaler_status_desired_replicas{{{HPA}}}"),
        ("{{horizontalpodautoscaler}} there", f"kube_horizontalpodautoscaler_status_current_replicas{{{HPA}}}"),
        ("{{horizontalpodautoscaler}} most", f"kube_horizontalpodautoscaler_spec_max_replicas{{{HPA}}}"),
    ),
)

RUNTIME = row(
    "Runtime",
    panel(
        "CPU",
        "Of the workers' processes, in cores.",
        "short",
        ("{{instance}}", f"rate(process_cpu_seconds_total[$__rate_interval]) {OURS}"),
    ),
    panel(
        "CPU a job",
        "Of the workers' processes, for each attempt.",
        "s",
        (
            "CPU",
            f"sum(rate(process_cpu_seconds_total[$__rate_interval]) {OURS}) / ({rate('queryfleet_jobs_total')} > 0)",
        ),
    ),
    panel("Memory", "Resident.", "bytes", ("{{instance}}", f"process_resident_memory_bytes {OURS}")),
    panel("Open files", "Connections included.", "short", ("{{instance}}", f"process_open_fds {OURS}")),
    panel(
        "Running since",
        "A step to zero is a restart.",
        "s",
        ("{{instance}}", f"time() - process_start_time_seconds {OURS}"),
    ),
    panel(
        "Versions",
        "Workers by what was built.",
        "short",
        ("{{version}} {{revision}}", f"count by (version, revision) (queryfleet_build_info{{{N}}})"),
    ),
)

DASHBOARD = dashboard(
    "queryfleet-fleet",
    "queryfleet: fleet",
    "Workers, queues and jobs of a fleet. Alerts and what to do about them: docs/runbook.md.",
    [OVERVIEW, QUEUE, JOBS, WORKERS, DATABASE, SCALING, RUNTIME],
    ANNOTATIONS,
)
