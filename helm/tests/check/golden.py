"""Both Helms find no fault in the chart and render, from each values file, what golden/ has."""

import difflib
from pathlib import Path

import yaml

from .helm import CHART, ROOT, TESTS, cases, render, run

GOLDEN = TESTS / "golden"


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
    count += 1
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
    values = str(TESTS / "values/minimal.yaml")
    result = run(helm, "install", "test", str(CHART), "--namespace", "fleet", "--dry-run=client", "--values", values)
    worker = "--namespace fleet deployment/test-queryfleet-worker -- queryfleet"
    wanted = ["helm test test --namespace fleet --logs", f"-i {worker} publish - --run my-run", f"{worker} status"]
    missing = [command for command in wanted if command not in result.stdout]
    return [f"NOTES.txt: {missing} not in {result.stdout[-800:]}{result.stderr}"] if missing else []


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
    rules = yaml.safe_load((ROOT / "deploy/prometheus/rules.yaml").read_text())
    if document.get("spec", {}).get("groups") == rules["groups"]:
        document["spec"]["groups"] = "<deploy/prometheus/rules.yaml>"
    return document


def name_of(document: dict) -> str:
    """The document's name."""
    return document["metadata"]["name"]
