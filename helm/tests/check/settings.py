"""What the chart says about the program is what the program does: variables, defaults, commands, copies of files."""

import json
import re

import yaml

from .helm import CHART, ROOT

# Set by the chart from other values, or as files.
OTHERS = {
    "AMQP_URL", "AMQP_CA", "AMQP_CERT", "AMQP_KEY", "MYSQL_URL", "MYSQL_CA", "MYSQL_CERT", "MYSQL_KEY",
    "SIGNING_KEY", "REPLICAS", "MANAGEMENT_URL", "QUEUE", "SLOTS", "METRICS_LISTEN",
}  # fmt: skip


def check(_helms: list[str], _bless: bool) -> tuple[int, list[str]]:
    """All of it."""
    checks = [variables, defaults, margin, commands, alert_names, copies]
    return len(checks), [failure for check in checks for failure in check()]


def variables() -> list[str]:
    """The schema's settings are the program's variables."""
    program = set(program_variables()) - OTHERS
    schema = set(json.loads((CHART / "values.schema.json").read_text())["definitions"]["settings"]["properties"])
    return [] if program == schema else [f"settings of the schema differ from the program: {program ^ schema}"]


def program_variables() -> dict[str, str | None]:
    """Every variable less its prefix, with its default."""
    source = (ROOT / "crates/config/src/variables.rs").read_text()
    found = re.findall(r'Variable::(with_default|optional)\("QUERYFLEET_(\w+)",\s*(?:"([^"]*)")?', source)
    return {name: default if kind == "with_default" else None for kind, name, default in found}


def defaults() -> list[str]:
    """The template's fall-backs, and the values that repeat a default of the program."""
    program = program_variables()
    helper = (CHART / "templates/_values.tpl").read_text()
    line = re.search(r"\$defaults := dict (.*) -}}", helper).group(1)
    words = re.findall(r'"([^"]*)"', line)
    fallen_back = dict(zip(words[::2], words[1::2]))
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    said = {
        **fallen_back,
        **values["settings"],
        "QUEUE": values["worker"]["queue"],
        "SLOTS": str(values["worker"]["slots"]),
    }
    del said["LOG_FORMAT"]
    return [
        f"{name} is {value} in the chart, {program[name]} in the program"
        for name, value in said.items()
        if program[name] != value
    ]


def margin() -> list[str]:
    """The grace period covers what a worker may take after its drain timeout."""
    source = (ROOT / "crates/consumer/src/worker.rs").read_text()
    needed = sum(
        int(re.search(rf"const {name}: Duration = Duration::from_secs\((\d+)\)", source).group(1))
        for name in ("GIVE_BACK_TIMEOUT", "LEAVE_TIMEOUT")
    )
    helper = (CHART / "templates/_values.tpl").read_text()
    granted = int(re.search(r'"queryfleet.seconds" \| int\) (\d+) -}}', helper).group(1))
    return (
        []
        if granted > needed
        else [f"the grace period has {granted} s beside the drain timeout, a worker may need {needed}"]
    )


def commands() -> list[str]:
    """The flags that the templates use are flags of the program."""
    source = "".join(
        path.read_text() for path in sorted((ROOT / "crates/cli/src").glob("*arguments.rs")) if path.is_file()
    )
    flags = {
        name.replace("_", "-")
        for name in re.findall(r"pub\(crate\) (\w+):|^\s+(\w+): Option", source, re.M)
        for name in name
        if name
    }
    flags |= set(re.findall(r'long = "([a-z-]+)"', source))
    templates = "".join(path.read_text() for path in sorted((CHART / "templates").rglob("*.*")))
    used = set(re.findall(r"(?:- |\"|, )--([a-z-]+)[=,]", templates))
    return [f"--{flag} is no flag of the program" for flag in used - flags] or ([] if used else ["no flags found"])


def alert_names() -> list[str]:
    """`metrics.prometheusRule.disabled` takes the alerts that there are."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    listed = schema["properties"]["metrics"]["properties"]["prometheusRule"]["properties"]["disabled"]["items"]["enum"]
    rules = yaml.safe_load((ROOT / "deploy/prometheus/rules.yaml").read_text())
    alerts = [rule["alert"] for group in rules["groups"] for rule in group["rules"]]
    return (
        []
        if sorted(listed) == sorted(alerts)
        else [f"the schema lists other alerts than rules.yaml: {set(listed) ^ set(alerts)}"]
    )


def copies() -> list[str]:
    """Helm packages follow no link out of the chart, so it has copies."""
    sources = {CHART / "files/rules.yaml": ROOT / "deploy/prometheus/rules.yaml"}
    for dashboard in (ROOT / "deploy/grafana").glob("*.json"):
        sources[CHART / "files/dashboards" / dashboard.name] = dashboard
    there = {path for path in (CHART / "files").rglob("*") if path.is_file()}
    failures = [f"{path} is a copy of nothing" for path in there - set(sources)]
    for copy, source in sources.items():
        if not copy.exists() or copy.read_text() != source.read_text():
            failures.append(f"{copy.relative_to(ROOT)} is not {source.relative_to(ROOT)}: make chart-docs copies it")
    return failures
