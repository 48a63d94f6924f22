"""Every panel's query returns data, asked of a real Prometheus that scrapes real workers and RabbitMQ's exporter.

Run by .ci/dashboards-test inside `queryfleet dev`: panels.py PROGRAM PROMETHEUS FOLDER.
"""

import json
import subprocess
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

from fleet import Fleet
from prometheus import Prometheus

DEPLOY = Path(__file__).parent.parent
DASHBOARDS = sorted((DEPLOY / "grafana").glob("*.json"))
RULES = DEPLOY / "prometheus" / "rules.yaml"
# What has no data in a run without Kubernetes, and why.
EMPTY = {("queryfleet-fleet", "Replicas"): "kube-state-metrics is not there"}
# What the run makes happen: more than 0 there.
SEEN = {
    ("queryfleet-fleet", "Dead, 24 h"),
    ("queryfleet-fleet", "Retry tiers and dead queue"),
    ("queryfleet-fleet", "Statements killed"),
    ("queryfleet-fleet", "Copies published"),
    ("queryfleet-run", "Done"),
    ("queryfleet-run", "Dead"),
    ("queryfleet-run", "Failed attempts"),
    ("queryfleet-run", "Retried, given back, dead"),
}
# In place of Grafana's variables: the scrapes are a second apart.
VARIABLES = {"$__rate_interval": "10s", "$__range": "60s", "$namespace": ".*", "$queue": "default"}


def queries():
    """(dashboard, panel, expression) of every query."""
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text())
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                expression = target["expr"]
                for name, value in VARIABLES.items():
                    expression = expression.replace(name, value)
                yield dashboard["uid"], panel["title"], expression


def problems(prometheus: Prometheus, start: float, end: float) -> tuple[int, list[str]]:
    """How many queries there are, and what is wrong with them."""
    found, count = [], 0
    for dashboard, panel, expression in queries():
        count += 1
        values = prometheus.values(expression, start, end)
        name = (dashboard, panel)
        if name in EMPTY and values:
            found.append(f"{dashboard}, {panel}: has data although {EMPTY[name]}")
        if name not in EMPTY and not values:
            found.append(f"{dashboard}, {panel}: no data: {expression}")
        if name in SEEN and not any(value > 0 for value in values):
            found.append(f"{dashboard}, {panel}: nothing but 0: {expression}")
    return count, found


def alerts(prometheus: Prometheus) -> tuple[int, list[str]]:
    """How many alerts there are, and which of them cannot be evaluated over the queues of a whole fleet."""
    rules = prometheus.rules()
    failed = [f"alert {rule['name']}: {rule.get('lastError', rule['health'])}" for rule in rules if rule["health"] != "ok"]
    return len(rules), failed or ([] if rules else ["Prometheus has no alerts"])


def exposition(promtool: str, address: str) -> list[str]:
    """What promtool has against a worker's metrics."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as response:
        result = subprocess.run(
            [promtool, "check", "metrics"], input=response.read().decode(), capture_output=True, text=True
        )
    return [] if result.returncode == 0 else [f"promtool check metrics: {result.stdout}{result.stderr}"]


class Willing(BaseHTTPRequestHandler):
    """Lets jobs begin, as freno does."""

    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        """The output is for what is wrong."""


def check_and_fail(fleet: Fleet, prometheus: Prometheus):
    """A limit of two checks, of which one cannot be made any more for a time."""
    with HTTPServer(("127.0.0.1", 0), Willing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        fleet.command("limit", "--max-load", "Threads_running=1000", "--throttle-http", url)
        prometheus.wait_for("queryfleet_check_limit")
        server.shutdown()
    prometheus.wait_for("queryfleet_check_age_seconds > 1")
    fleet.command("limit", "--throttle-http", "off")


def main() -> int:
    """One run with successes, retries, deadlines and dead jobs, and a check that fails, watched by Prometheus."""
    program, binary, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    with Fleet(program, folder) as fleet:
        workers = fleet.start_workers(2)
        targets = {"queryfleet": workers, "rabbitmq": [fleet.exporter()]}
        with Prometheus(binary, folder, targets, RULES) as prometheus:
            prometheus.wait_for(
                'count(queryfleet_slots) == 2 and on () rabbitmq_detailed_queue_consumers{queue="queryfleet.default"} == 4'
            )
            start = time.time()
            check_and_fail(fleet, prometheus)
            code = fleet.run_all()
            found = exposition(f"{binary.removesuffix('prometheus')}promtool", workers[0])
            # Two scrapes after the end, for what happened last.
            prometheus.wait_for(f"min(timestamp(queryfleet_slots)) > {time.time() + 2}")
            count, more = problems(prometheus, start, time.time())
            alert_count, failed = alerts(prometheus)
            found += more + failed
    if code != 3:
        found.append(f"the run ended with {code}, not with dead jobs")
    for problem in found:
        print(f"dashboards: {problem}", file=sys.stderr)
    empty = ", ".join(panel for _, panel in EMPTY)
    print(f"dashboards: {count} queries and {alert_count} alerts; without data as it must be: {empty}")
    count += alert_count + 2
    print(f"{count - len(found)} passed, {len(found)} failed")
    return bool(found)


sys.exit(main())
