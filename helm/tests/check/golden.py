"""Both Helms find no fault in the chart and render, from each values file, what golden/ has."""

import difflib
from pathlib import Path

import yaml

from .helm import CHART, ROOT, TESTS, cases, render, run

GOLDEN = TESTS / "golden"
EXEC = "--namespace fleet deployment/test-queryfleet-{} -- queryfleet"
TOOLBOX, WORKER = EXEC.format("toolbox"), EXEC.format("worker")
# What NOTES.txt has to say, by the name of a values file.
NOTES = {
    "minimal": ["helm test test --namespace fleet --logs", f"-i {TOOLBOX} publish - --run my-run", f"{TOOLBOX} status"],
    "no-toolbox": [f"-i {WORKER} publish - --run my-run", f"{WORKER} status"],
    "to-zero": ["set toolbox.enabled", "the key management-url of the Secret servers"],
}


def check(helms: list[str], bless: bool) -> tuple[int, list[str]]:
    """Compares; writes instead when `bless`."""
    failures, count = [], 0
    for case in cases():
        for index, helm in enumerate(helms):
            count += 2
            failures += lint(helm, case)
            if bless and index == 0:
                (GOLDEN / case.name).write_text(text(render(helm, case)))
            failures += compare(helm, case)
    count += len(NOTES)
    failures += notes(helms[0])
    known = {case.name for case in cases()}
    failures += [f"golden/{path.name} belongs to no case" for path in GOLDEN.iterdir() if path.name not in known]
    return count, failures


def lint(helm: str, case: Path) -> list[str]:
    """`helm lint --strict`."""
    result = run(helm, "lint", "--strict", str(CHART), "--values", str(case))
    return [] if result.returncode == 0 else [f"{case.name}: {helm} lint: {result.stdout}{result.stderr}"]


def notes(helm: str) -> list[str]:
    """The next three commands; `helm template` does not show them, and only Helm 4 does so without a cluster."""
    failures = []
    for case, wanted in NOTES.items():
        call = ["install", "test", str(CHART), "--namespace", "fleet", "--dry-run=client"]
        result = run(helm, *call, "--values", str(TESTS / f"values/{case}.yaml"))
        missing = [command for command in wanted if command not in result.stdout]
        if missing:
            failures.append(f"NOTES.txt of {case}: {missing} not in {result.stdout[-1200:]}{result.stderr}")
    return failures


def compare(helm: str, case: Path) -> list[str]:
    """The difference between what is rendered and the golden file, if any."""
    path = GOLDEN / case.name
    if not path.exists():
        return [f"{case.name} has no golden file: make chart-bless, and look at it"]
    wanted, found = path.read_text(), text(render(helm, case))
    if wanted == found:
        return []
    difference = difflib.unified_diff(wanted.splitlines(), found.splitlines(), "golden", helm, lineterm="", n=2)
    return [f"{case.name} differs (make chart-bless accepts it):\n" + "\n".join(difference)]


def text(documents: list[dict]) -> str:
    """The documents in one form, whatever the version of Helm leaves as blank lines."""
    return "".join("---\n" + yaml.safe_dump(shorten(document), width=110) for document in documents)


def shorten(document: dict) -> dict:
    """Files that the chart has from elsewhere are named instead of repeated."""
    for name in document.get("data") or {} if name_of(document).endswith("-dashboards") else []:
        if document["data"][name] == (ROOT / "deploy/grafana" / name).read_text():
            document["data"][name] = f"<deploy/grafana/{name}>"
    if document["kind"] == "PrometheusRule":
        [rules] = yaml.safe_load((ROOT / "deploy/prometheus/rules.yaml").read_text())["groups"]
        for group in document["spec"]["groups"]:
            group["rules"] = [
                f"<deploy/prometheus/rules.yaml: {rule['alert']}>" if rule in rules["rules"] else rule
                for rule in group["rules"]
            ]
    return document


def name_of(document: dict) -> str:
    """The document's name."""
    return document["metadata"]["name"]
