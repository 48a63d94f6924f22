"""Dashboards, alerts and the runbook speak of what there is, and of each other."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from .helm import ROOT

GRAFANA, PROMETHEUS = ROOT / "deploy/grafana", ROOT / "deploy/prometheus"
# Of RabbitMQ's exporter, families queue_coarse_metrics and queue_consumer_count; of kube-state-metrics; of every process.
OTHERS = {
    *(f"rabbitmq_detailed_queue_{name}" for name in ("messages", "messages_ready", "messages_unacked", "consumers")),
    *(f"kube_horizontalpodautoscaler_status_{name}_replicas" for name in ("current", "desired")),
    "kube_horizontalpodautoscaler_spec_max_replicas",
    "kube_job_failed",
    *(f"process_{name}" for name in ("cpu_seconds_total", "resident_memory_bytes", "open_fds", "start_time_seconds")),
}


def check(_helms: list[str], _bless: bool) -> tuple[int, list[str]]:
    """All of it."""
    checks = [written, panels, names, alerts, runbook, rules, compose]
    return len(checks), [failure for check in checks for failure in check()]


def written() -> list[str]:
    """The dashboards are what their source says."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-B", GRAFANA / "source/write.py", folder], check=True)
        new = {path.name: path.read_text() for path in Path(folder).iterdir()}
    old = {path.name: path.read_text() for path in GRAFANA.glob("*.json")}
    return [
        f"deploy/grafana/{name} is not what its source says: make chart-docs"
        for name in new
        if old.get(name) != new[name]
    ]


def dashboards():
    """(dashboard, panel) of every panel but the rows."""
    for path in sorted(GRAFANA.glob("*.json")):
        dashboard = json.loads(path.read_text())
        for panel in dashboard["panels"]:
            if panel["type"] != "row":
                yield dashboard, panel


def panels() -> list[str]:
    """Each has what a reader needs, and rates that fit any interval of scraping."""
    failures = []
    for dashboard, panel in dashboards():
        where = f"{dashboard['uid']}, {panel['title']}"
        if not panel["description"].endswith(".") or not panel["fieldConfig"]["defaults"]["unit"]:
            failures.append(f"{where}: no description or no unit")
        for target in panel["targets"]:
            windows = set(re.findall(r"rate\([^\[]*\[(.*?)\]", target["expr"]))
            if not windows <= {"$__rate_interval"}:
                failures.append(f"{where}: a rate over {windows}")
    return failures


def series() -> set[str]:
    """Every series of the program, by the names that Prometheus gives them."""
    source = (ROOT / "crates/metrics/src/series.rs").read_text()
    found = re.findall(r"^    (\w+): (\w+) \[", source, re.M)
    names = {f"queryfleet_{name}" for name, kind in found if kind != "HistogramVec"}
    for name in (name for name, kind in found if kind == "HistogramVec"):
        names |= {f"queryfleet_{name}_{end}" for end in ("bucket", "sum", "count")}
    return names


def names() -> list[str]:
    """Panels and alerts ask for series that exist; every series of the program is on a panel."""
    texts = [target["expr"] for _, panel in dashboards() for target in panel["targets"]]
    shown = {name for text in texts for name in metric_names(text)}
    asked = shown | {name for rule in all_rules() for name in metric_names(rule["expr"])}
    unknown, hidden = asked - series() - OTHERS, series() - shown - {"queryfleet_job_queue_wait_seconds_sum"}
    failures = [f"{name} is asked for, and nothing exports it" for name in unknown]
    return failures + [f"{name} is on no panel" for name in hidden if not name.endswith(("_count", "_sum"))]


def metric_names(expression: str) -> set[str]:
    """What looks like a series: strings are left out."""
    return set(re.findall(r"\b(?:queryfleet|rabbitmq|kube|process)_\w+", re.sub(r'"[^"]*"', "", expression)))


def all_rules() -> list[dict]:
    """The alerts."""
    groups = yaml.safe_load((PROMETHEUS / "rules.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[str]:
    """Each alert has a severity, its texts, and tests in which it fires and in which it does not."""
    failures = []
    for rule in all_rules():
        name = rule["alert"]
        if set(rule["annotations"]) != {"summary", "description", "runbook"}:
            failures.append(f"{name}: annotations {set(rule['annotations'])}")
        if rule["annotations"]["runbook"] != f"docs/runbook.md#{name.lower()}":
            failures.append(f"{name}: runbook {rule['annotations']['runbook']}")
        if rule["labels"].get("severity") not in ("info", "warning", "critical"):
            failures.append(f"{name}: severity {rule['labels']}")
        tests = yaml.safe_load((PROMETHEUS / f"tests/{name}.yaml").read_text())["tests"]
        fired = {bool(case["exp_alerts"]) for test in tests for case in test["alert_rule_test"]}
        if fired != {True, False}:
            failures.append(f"{name}: not tested both firing and silent")
    return failures


def runbook() -> list[str]:
    """A section for each alert, its commands known to the program."""
    text = (ROOT / "docs/runbook.md").read_text()
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    failures = [
        f"docs/runbook.md: {name} and the alerts differ"
        for name in set(sections) ^ {rule["alert"] for rule in all_rules()}
    ]
    for name, section in sections.items():
        for part in ("**Means.**", "**First look.**", "**To do.**"):
            if part not in section:
                failures.append(f"docs/runbook.md, {name}: {part} is missing")
    source = (ROOT / "crates/cli/src/arguments.rs").read_text()
    commands = {word.lower() for word in re.findall(r"^    ([A-Z]\w+)(?:\(| \{|,)", source, re.M)}
    used = set(re.findall(r"`queryfleet ([a-z]+)", text))
    return failures + [f"docs/runbook.md: queryfleet {word} is no command" for word in used - commands]


def rules() -> list[str]:
    """promtool's own opinion, and its tests."""
    promtool = os.environ["PROMTOOL"]
    tests = sorted(map(str, (PROMETHEUS / "tests").glob("*.yaml")))
    calls = [
        [promtool, "check", "rules", str(PROMETHEUS / "rules.yaml")],
        [promtool, "test", "rules", *tests],
        [promtool, "check", "config", "--syntax-only", str(ROOT / "deploy/compose/prometheus.yaml")],
    ]
    results = [subprocess.run(call, capture_output=True, text=True) for call in calls]
    return [result.stdout + result.stderr for result in results if result.returncode != 0]


def compose() -> list[str]:
    """What compose.yaml mounts is there, and what it waits for is a service of it."""
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]
    failures = []
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith(".") and not (ROOT / "deploy" / source).exists():
                failures.append(f"compose.yaml, {name}: {source} is not there")
        failures += [
            f"compose.yaml, {name}: no service {other}"
            for other in service.get("depends_on", [])
            if other not in services
        ]
    return failures
