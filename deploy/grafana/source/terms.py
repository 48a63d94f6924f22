"""The series that both dashboards speak of."""

# Labels of the workers' series: with a queue, without one.
Q = 'namespace=~"$namespace", queue=~"$queue"'
N = 'namespace=~"$namespace"'

# Of a broker's cluster several nodes may report one queue.
WORK = 'queue=~"queryfleet\\\\.($queue)"'
REST = 'queue=~"queryfleet\\\\.($queue)\\\\.(retry\\\\..+|dead)"'
ALL = 'queue=~"queryfleet\\\\.($queue)(\\\\.retry\\\\..+|\\\\.dead)?"'


def rate(series, labels=Q, by=""):
    """The rate of a counter, summed."""
    return f"sum by ({by}) (rate({series}{{{labels}}}[$__rate_interval]))"


def quantile(share, series):
    """A quantile of a histogram."""
    return f"histogram_quantile({share}, sum by (le) (rate({series}_bucket{{{Q}}}[$__rate_interval])))"


def queue(series, labels):
    """A number of messages by queue."""
    return f"max by (vhost, queue) ({series}{{{labels}}})"


DONE = Q + ', outcome="done"'
# A redelivery of what had ended, a drain and a purged run are nobody's error.
FAILED = Q + ', outcome!~"done|ended_before|interrupted"'
MESSAGES = f"sum({queue('rabbitmq_detailed_queue_messages', ALL)})"
SETTLED = rate("queryfleet_deliveries_settled_total", Q + ', action=~"ack|dead|reject"')
TIME_LEFT = f"{MESSAGES} / ({SETTLED} > 0)"
ERROR_SHARE = f"({rate('queryfleet_jobs_total', FAILED)} or vector(0)) / ({rate('queryfleet_jobs_total')} > 0)"
OURS = f"and on (instance) queryfleet_build_info{{{N}}}"

ANNOTATIONS = [
    (
        "Rollout",
        f"count by (version, revision) (queryfleet_build_info{{{N}}}) unless on (version, revision) count by (version, revision) (queryfleet_build_info{{{N}}} offset 2m)",
        "version {{version}}, revision {{revision}}",
        "blue",
    ),
    ("Drain", f"queryfleet_draining{{{N}}} == 1", "{{instance}} drains", "orange"),
    ("Held", f"max by (namespace, queue) (queryfleet_held{{{N}}}) == 1", "{{queue}} is held", "purple"),
]
