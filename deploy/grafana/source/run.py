"""One run: choose its queue and, as the time range, the time since it was published."""

from grafana import dashboard, panel, row, stat
from terms import (
    ALL,
    ANNOTATIONS,
    DONE,
    FAILED,
    MESSAGES,
    TIME_LEFT,
    N,
    Q,
    quantile,
    queue,
    rate,
)


def since(labels, series="queryfleet_jobs_total"):
    """How much a counter grew in the time range."""
    return f"sum(increase({series}{{{labels}}}[$__range]))"


NOW = row(
    "The run",
    stat("Done", "Jobs that took effect in the time range.", "short", since(DONE)),
    stat(
        "Messages left",
        "Messages with the broker: waiting, being executed, in retry tiers, dead-lettered.",
        "short",
        MESSAGES,
    ),
    stat("Time left", "Messages left by the rate at which messages end now.", "s", TIME_LEFT),
    stat("Jobs done", "A second, now.", "ops", rate("queryfleet_jobs_total", DONE)),
    stat("Failed attempts", "In the time range. Most are tried again.", "short", f"{since(FAILED)} or vector(0)"),
    stat(
        "Dead",
        "Jobs that will not be tried again, and messages that could not be read: queryfleet dead list --run NAME.",
        "short",
        since(Q, "queryfleet_dead_jobs_total"),
        1,
    ),
    stat("Rows changed", "In the time range.", "short", since(Q, "queryfleet_rows_affected_total")),
    stat("Workers", "That serve the queue now.", "short", f"count(queryfleet_slots{{{Q}}})"),
)

PROGRESS = row(
    "Progress",
    panel(
        "Messages left",
        "By queue: a straight line down is an even pace.",
        "short",
        ("{{queue}}", queue("rabbitmq_detailed_queue_messages", ALL)),
        width=12,
    ),
    panel("Jobs done", "A second.", "ops", ("done", rate("queryfleet_jobs_total", DONE)), width=12),
    panel(
        "Duration",
        "Of attempts that took effect.",
        "s",
        ("median", quantile(0.5, "queryfleet_job_duration_seconds").replace(Q, DONE)),
        ("99 %", quantile(0.99, "queryfleet_job_duration_seconds").replace(Q, DONE)),
    ),
    panel(
        "Queue wait",
        "From publishing to the start of the execution.",
        "s",
        ("median", quantile(0.5, "queryfleet_job_queue_wait_seconds")),
        ("90 %", quantile(0.9, "queryfleet_job_queue_wait_seconds")),
    ),
    panel(
        "Workers and jobs in flight",
        "That serve the queue.",
        "short",
        ("workers", f"count(queryfleet_slots{{{Q}}})"),
        ("in flight", f"sum(queryfleet_jobs_in_flight{{{Q}}})"),
    ),
)

TROUBLE = row(
    "What went wrong",
    panel(
        "Failed attempts",
        "By how they ended.",
        "ops",
        ("{{outcome}}", rate("queryfleet_jobs_total", FAILED, "outcome") + " > 0"),
    ),
    panel(
        "Retried, given back, dead",
        "Messages by what became of them, those that simply ended left out.",
        "ops",
        ("{{action}}", rate("queryfleet_deliveries_settled_total", Q + ', action!="ack"', "action")),
    ),
    panel(
        "Redelivered and killed",
        "Messages delivered again after a worker was lost; statements that were killed.",
        "ops",
        ("redelivered", rate("queryfleet_redeliveries_total")),
        ("killed: {{reason}}", rate("queryfleet_statements_killed_total", N, "reason")),
    ),
)

DASHBOARD = dashboard(
    "queryfleet-run",
    "queryfleet: run",
    "How a run comes along. Series have no name of a run in them: choose its queue, and the time since it was published.",
    [NOW, PROGRESS, TROUBLE],
    ANNOTATIONS,
)
