"""values.schema.json refuses what schema.yaml lists, an unknown key anywhere, and a wrong type of any value."""

import copy
import json
import tempfile
from pathlib import Path

import jsonschema
import yaml

from .helm import CHART, TESTS, template

# Objects that belong to Kubernetes, KEDA or the user: what is in them is not ours to list.
OPEN = {
    "annotations", "labels", "nodeSelector", "affinity", "podSecurityContext", "securityContext", "resources",
    "strategy", "behavior", "fallback", "authenticationRef", "metadata", "alertLabels", "topologySpreadConstraints",
    "global", "dnsConfig", "tmp",
}  # fmt: skip


def check(helms: list[str], _bless: bool) -> tuple[int, list[str]]:
    """The listed refusals with both Helms; the tried ones with the schema alone: there are some hundred."""
    failures = []
    listed = yaml.safe_load((TESTS / "schema.yaml").read_text())
    for case in listed:
        for helm in helms:
            failures += refused(helm, case)
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    validator = jsonschema.Draft7Validator(json.loads((CHART / "values.schema.json").read_text()))
    failures += [f"values.yaml: {error.message}" for error in validator.iter_errors(values)]
    tries = list(mutations(values))
    failures += [f"the schema takes {what}" for what, changed in tries if validator.is_valid(changed)]
    return len(listed) * len(helms) + len(tries) + 1, failures


def refused(helm: str, case: dict) -> list[str]:
    """One entry of schema.yaml, beside values that are good."""
    values = copy.deepcopy(case["values"])
    values.setdefault("secret", {"existingSecret": "servers"})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "values.yaml"
        path.write_text(yaml.safe_dump(values))
        result = template(helm, path)
    named = "schema" in result.stderr and case["names"] in result.stderr
    return (
        []
        if result.returncode and named
        else [f"schema.yaml: {case}: {helm} said {result.stderr.strip() or 'nothing'!r}"]
    )


def mutations(values: dict):
    """The defaults with one thing wrong: (what, values)."""
    for path in paths(values):
        value = look(values, path)
        key = path[-1] if path else ""
        if isinstance(value, dict) and key not in OPEN:
            yield f"an unknown key in {'.'.join(path) or 'the values'}", changed(values, (*path, "bogus"), 1)
        wrong = {"bogus": 1} if not isinstance(value, dict) else "text"
        if path and value is not None:
            yield f"{wrong} as {'.'.join(path)}", changed(values, path, wrong)


def paths(value: object, prefix: tuple = ()):
    """The path of every value, but not into what is open."""
    yield prefix
    if isinstance(value, dict) and (not prefix or prefix[-1] not in OPEN):
        for key in value:
            yield from paths(value[key], (*prefix, key))


def look(values: dict, path: tuple) -> object:
    """What is at `path`."""
    for key in path:
        values = values[key]
    return values


def changed(values: dict, path: tuple, value: object) -> dict:
    """A copy with `value` at `path`."""
    result = copy.deepcopy(values)
    look(result, path[:-1])[path[-1]] = value
    return result
