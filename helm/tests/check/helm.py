"""Helm as a process, and what it renders."""

import subprocess
from pathlib import Path

import yaml

TESTS = Path(__file__).parent.parent
ROOT = TESTS.parent.parent
CHART = TESTS.parent / "queryfleet"


class Strict(yaml.SafeLoader):
    """Refuses a key that stands twice, as Flux and kustomize do."""

    def construct_mapping(self, node, deep=False):
        """The mapping, whose keys are all different."""
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"{twice} twice", node.start_mark)
        return super().construct_mapping(node, deep)


def cases() -> list[Path]:
    """The values files that must render."""
    return sorted((TESTS / "values").glob("*.yaml"))


def run(helm: str, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`helm COMMAND` on the chart. Nothing of the user's own Helm is read."""
    environment = {"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"}
    call = [helm, command, *arguments]
    return subprocess.run(call, capture_output=True, text=True, env=environment, timeout=60)


def template(helm: str, values: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """`helm template`, as if for a release `test` in a namespace `fleet`."""
    return run(helm, "template", "test", str(CHART), "--namespace", "fleet", "--values", str(values), *more)


def render(helm: str, values: Path, *more: str) -> list[dict]:
    """All documents of a case, in an order that does not depend on Helm's version."""
    result = template(helm, values, *more)
    if result.returncode != 0:
        raise RuntimeError(f"{values.name}: {helm} template failed: {result.stderr.strip()}")
    rendered = [document for document in yaml.load_all(result.stdout, Strict) if document]
    return sorted(rendered, key=lambda document: (document["kind"], document["metadata"]["name"]))
