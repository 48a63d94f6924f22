"""What an upgrade renders over objects that are there: replicas that something else set, and Jobs that have begun.

A small HTTP server stands in for the API server: it knows the objects that a test names, and nothing else.
"""

import http.server
import json
import tempfile
import threading
from pathlib import Path

import yaml

from .helm import CHART, TESTS, run

# What the server knows: each version's kinds, with the name in its address.
KINDS = {
    "v1": {"configmaps": "ConfigMap", "pods": "Pod", "secrets": "Secret", "serviceaccounts": "ServiceAccount"},
    "apps/v1": {"deployments": "Deployment"},
    "autoscaling/v2": {"horizontalpodautoscalers": "HorizontalPodAutoscaler"},
    "batch/v1": {"jobs": "Job"},
    "policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
}


class Cluster(http.server.BaseHTTPRequestHandler):
    """Discovery for the two kinds that the chart looks up, and GET for single objects."""

    objects: dict[tuple[str, str], dict] = {}

    def do_GET(self) -> None:  # noqa: N802, the name that http.server wants
        path = self.path.split("?")[0].strip("/").split("/")
        status, body = self.answer(path)
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def answer(self, path: list[str]) -> tuple[int, dict]:
        if path == ["version"]:
            return 200, {"major": "1", "minor": "36", "gitVersion": "v1.36.0"}
        if path == ["api"]:
            return 200, {"kind": "APIVersions", "versions": ["v1"]}
        if path == ["apis"]:
            groups = []
            for version in KINDS:
                group, _, name = version.partition("/")
                if name:
                    served = {"groupVersion": version, "version": name}
                    groups.append({"name": group, "versions": [served], "preferredVersion": served})
            return 200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        version = path[1] if path[0] == "api" else "/".join(path[1:3])
        rest = path[2:] if path[0] == "api" else path[3:]
        kinds = KINDS.get(version, {})
        if kinds and not rest:
            both = {"namespaced": True, "verbs": ["get", "list"]}
            found = [{"name": plural, "kind": kind, **both} for plural, kind in kinds.items()]
            return 200, {"kind": "APIResourceList", "groupVersion": version, "resources": found}
        if len(rest) == 4 and rest[2] in kinds:
            kind = kinds[rest[2]]
            if found := self.objects.get((kind, rest[3])):
                return 200, {"apiVersion": version, "kind": kind, **found}
        return 404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}

    def log_message(self, *_: object) -> None:
        """Silent."""


def render(helm: str, values: dict, objects: dict[tuple[str, str], dict]) -> dict[tuple[str, str], dict]:
    """What `helm template` makes of `values` in a cluster that holds `objects`, by kind and name."""
    Cluster.objects = objects
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Cluster)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory() as folder:
        file, config = Path(folder, "values.yaml"), Path(folder, "kubeconfig")
        file.write_text(yaml.safe_dump(values))
        context = {"cluster": "c", "user": "u"}
        config.write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "c", "users": [{"name": "u", "user": {}}],
            "clusters": [{"name": "c", "cluster": {"server": address}}], "contexts": [{"name": "c", "context": context}],
        }))
        result = run(
            helm, "template", "test", str(CHART), "--namespace", "fleet", "--values", str(file),
            "--dry-run=server", "--disable-openapi-validation", f"--kubeconfig={config}",
        )
    server.shutdown()
    server.server_close()
    if result.returncode != 0:
        raise RuntimeError(f"{helm} template failed: {result.stderr.strip()}")
    documents = [document for document in yaml.safe_load_all(result.stdout) if document]
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


def installed(kind: str, name: str, spec: dict) -> dict[tuple[str, str], dict]:
    """An object of this release that the cluster holds."""
    owner = {"meta.helm.sh/release-name": "test", "meta.helm.sh/release-namespace": "fleet"}
    labels = {"app.kubernetes.io/managed-by": "Helm"}
    return {(kind, name): {"metadata": {"name": name, "annotations": owner, "labels": labels}, "spec": spec}}


def only(kind: str, documents: dict[tuple[str, str], dict]) -> tuple[str, dict]:
    """The one run's Job, or the one Deployment of workers."""
    found = [(name, d) for (k, name), d in documents.items() if k == kind and ("-run-" in name or "-worker" in name)]
    assert len(found) == 1, found
    return found[0]


def check(helms: list[str], _bless: bool) -> tuple[int, list[str]]:
    """Upgrades of a fleet that is running."""
    failures, count = [], 0
    base = yaml.safe_load((TESTS / "values" / "minimal.yaml").read_text())
    once = {**base, "runs": [{"name": "once", "sql": "UPDATE t SET n = 1 WHERE id = 1;"}]}

    def expect(helm: str, what: str, holds: bool) -> None:
        nonlocal count
        count += 1
        if not holds:
            failures.append(f"installed: {helm}: {what}")

    for helm in helms:
        name, job = only("Job", render(helm, once, {}))
        # A new image, other settings: the Job keeps its name, and where it is there its pods as they are.
        later = {**once, "image": {"tag": "9.9.9"}, "settings": {"DRAIN_TIMEOUT": "17s"}}
        same, fresh = only("Job", render(helm, later, {}))
        expect(helm, "a new image gives a run's Job another name", same == name)
        expect(helm, "a new Job has the old image", "9.9.9" in json.dumps(fresh))
        _, kept = only("Job", render(helm, later, installed("Job", name, job["spec"])))
        expect(helm, "the pods of a Job that is there are changed", kept["spec"] == job["spec"])
        # A run that says something else is another Job.
        other = {**once, "runs": [{"name": "once", "sql": "UPDATE t SET n = 2 WHERE id = 1;"}]}
        expect(helm, "a changed run has the old Job", only("Job", render(helm, other, {}))[0] != name)
        # Replicas that a scaler, or a person, has set.
        scaled = {**base, "worker": {"scaling": {"kind": "hpa", "hpa": {"metrics": [{"type": "Resource"}]}}}}
        worker, deployment = only("Deployment", render(helm, scaled, {}))
        expect(helm, "the chart says how many workers there are where a scaler does", "replicas" not in deployment["spec"])
        _, upgraded = only("Deployment", render(helm, scaled, installed("Deployment", worker, {"replicas": 5})))
        expect(helm, "an upgrade changes a scaler's replicas", upgraded["spec"].get("replicas") == 5)
    return count, failures
