"""Every rendered object is one that Kubernetes, KEDA or the Prometheus operator takes, and says what all must say."""

import functools
import importlib
import json
import re
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml

from .helm import ROOT, cases, render

# The chart renders for these and later versions, up to the next, the same.
RENDERED = {"1.25": range(25, 27), "1.27": range(27, 38)}
CUSTOM = {
    "keda.sh/v1alpha1": "cloudcoil.models.keda.v1alpha1",
    "monitoring.coreos.com/v1": "cloudcoil.models.prometheus_operator.v1",
}

# KEDA 2.17 has them, the types that are published for Python are those of 2.16.
FALLBACKS = {None, "static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"}


def check(helms: list[str], _bless: bool) -> tuple[int, list[str]]:
    """Validates what the first Helm renders: golden.py shows that the other one renders the same."""
    failures, count = [], 0
    for case in cases():
        for rendered_for, minors in RENDERED.items():
            versions = tuple(f"1.{minor}" for minor in minors if minor >= oldest(case))
            if versions:
                documents = render(helms[0], case, "--kube-version", rendered_for)
                failures += [f"{case.name}: {problem}" for problem in problems_of(documents, versions)]
                count += len(documents)
    every = tuple(f"1.{minor}" for minors in RENDERED.values() for minor in minors)
    for document in yaml.safe_load_all((ROOT / "deploy/kind/servers.yaml").read_text()):
        failures += [f"deploy/kind/servers.yaml: {problem}" for problem in validate(json.dumps(document), every)]
        count += 1
    return count, failures


def oldest(case: Path) -> int:
    """The minor version that a case needs at least, as its first line says."""
    found = re.match(r"# From Kubernetes 1\.(\d+)", case.read_text())
    return int(found.group(1)) if found else 0


def problems_of(documents: list[dict], versions: tuple[str, ...]):
    """What is wrong with the documents of one case."""
    names = [(document["kind"], document["metadata"]["name"]) for document in documents]
    yield from (f"{name} is there twice" for name in set(names) if names.count(name) > 1)
    for document in documents:
        for problem in [*validate(json.dumps(document), versions), *house(document)]:
            yield f"{document['kind']} {document['metadata']['name']}: {problem}"


@functools.cache
def validate(text: str, versions: tuple[str, ...]) -> list[str]:
    """Against the types, no unknown field allowed, in these versions of Kubernetes. Many cases have the same object."""
    document = json.loads(text)
    if document["apiVersion"] in CUSTOM:
        if document["kind"] == "ScaledObject" and document["spec"]["fallback"].pop("behavior", None) not in FALLBACKS:
            return ["spec.fallback.behavior is none of KEDA's"]
        schema = custom_schema(CUSTOM[document["apiVersion"]], document["kind"])
        errors = jsonschema.Draft202012Validator(schema).iter_errors(document)
        return [f"{error.json_path}: {error.message}" for error in errors]
    problems = []
    for version in versions:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            problems.append(f"Kubernetes {version}: {list(error.path)}: {error.message}")
    return problems


@functools.cache
def custom_schema(module: str, kind: str) -> dict:
    """The type's schema, closed: as it is published it lets unknown fields pass, as the API server prunes them."""
    model = getattr(importlib.import_module(module), kind)
    return closed(model.model_json_schema(by_alias=True))


def closed(schema: object) -> object:
    """`schema` with `additionalProperties: false` in each object that has properties."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        result.setdefault("additionalProperties", False)
    return result


def house(document: dict) -> list[str]:
    """What holds for all pods of the chart: DESIGN's security and drain rules."""
    spec = pod_spec(document)
    if spec is None:
        return []
    problems = []
    if spec.get("enableServiceLinks") is not False:
        problems.append("enableServiceLinks is not false")
    if spec.get("automountServiceAccountToken") is not False:
        problems.append("a token is mounted")
    if spec["securityContext"].get("runAsNonRoot") is not True:
        problems.append("may run as root")
    if spec["securityContext"].get("seccompProfile") != {"type": "RuntimeDefault"}:
        problems.append("seccomp is not RuntimeDefault")
    for container in spec["containers"] + spec.get("initContainers", []):
        if container["image"].split("@")[0].split("/")[-1].split(":")[0] == "queryfleet":
            problems += [f"container {container['name']}: {problem}" for problem in container_problems(container)]
    volumes = {volume["name"] for volume in spec["volumes"] or []}
    mounted = {
        mount["name"]
        for item in spec["containers"] + spec.get("initContainers", [])
        for mount in item.get("volumeMounts") or []
    }
    if volumes != mounted:
        problems.append(f"volumes {volumes}, but mounted are {mounted}")
    return problems


def container_problems(container: dict) -> list[str]:
    """The profile `restricted`, and secrets in files only."""
    wanted = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    problems = [] if container["securityContext"] == wanted else ["not as the profile restricted wants it"]
    # With a ResourceQuota on it a pod that says nothing is forbidden.
    resources = container.get("resources", {})
    if not {"cpu", "memory"} <= set(resources.get("requests", {})) or "memory" not in resources.get("limits", {}):
        problems.append("requests or the memory limit are missing")
    names = [variable["name"] for variable in container["env"]]
    problems += [f"variable {name} is there twice" for name in set(names) if names.count(name) > 1]
    for variable in container["env"]:
        if re.search(r"PASSWORD|://", str(variable.get("value", ""))):
            problems.append(f"a secret in the environment: {variable['name']}")
    return problems


def pod_spec(document: dict) -> dict | None:
    """The spec of the pods that the object makes."""
    paths = {"Pod": "", "Deployment": "template", "Job": "template", "CronJob": "jobTemplate.spec.template"}
    if document["kind"] not in paths:
        return None
    for key in paths[document["kind"]].split(".") if paths[document["kind"]] else []:
        document = document["spec"][key] if key != "spec" else document
    return document["spec"]
