"""The CustomResourceDefinitions of Pilotlight's resources."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from pilotlight.api.analysis import BUILT_IN_METRICS
from pilotlight.api.meta import GROUP, VERSION
from pilotlight.api.rollout import InferenceRolloutSpec
from pilotlight.api.rollout_status import InferenceRolloutStatus
from pilotlight.api.structural import Schema, structural
from pilotlight.api.warmpool import WarmPoolSpec, WarmPoolStatus


@dataclass(frozen=True)
class Column:
    """A column of ``kubectl get``."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0

    def manifest(self) -> Schema:
        column: Schema = {"name": self.name, "type": self.type, "jsonPath": self.path}
        return column | ({"priority": self.priority} if self.priority else {})


@dataclass(frozen=True)
class Kind:
    """One kind of resource and how people see it."""

    name: str
    plural: str
    short: str
    spec: type[BaseModel]
    status: type[BaseModel]
    columns: tuple[Column, ...]
    keyed_lists: tuple[tuple[str, str], ...] = (("status.conditions", "type"),)
    """Paths of lists, and the field by which an entry is there once."""

    @property
    def crd_name(self) -> str:
        return f"{self.plural}.{GROUP}"


_AGE = Column("Age", ".metadata.creationTimestamp", "date")

INFERENCE_ROLLOUT = Kind(
    name="InferenceRollout",
    plural="inferencerollouts",
    short="irollout",
    spec=InferenceRolloutSpec,
    status=InferenceRolloutStatus,
    columns=(
        Column("Target", ".spec.targetRef.name"),
        Column("Phase", ".status.phase"),
        Column("Weight", ".status.weight", "integer"),
        Column("Step", ".status.step", "integer"),
        Column("Evidence", ".status.progress", "integer"),
        Column("Canary", ".status.canaryRevision", priority=1),
        Column("Stable", ".status.stableRevision", priority=1),
        _AGE,
        # The last one, for it is a sentence.
        Column("Reason", ".status.reason"),
    ),
    keyed_lists=(("spec.analysis.metrics", "name"), ("status.conditions", "type")),
)

WARM_POOL = Kind(
    name="WarmPool",
    plural="warmpools",
    short="wpool",
    spec=WarmPoolSpec,
    status=WarmPoolStatus,
    columns=(
        Column("Target", ".spec.targetRef.name"),
        Column("Floor", ".status.floor", "integer"),
        Column("Reason", ".status.reason"),
        Column("Warm", ".status.warmRequests", "integer"),
        Column("Cold", ".status.coldRequests", "integer"),
        Column("Cost", ".status.costToday", "number"),
        Column("Ready", ".status.warmReplicas", "integer", priority=1),
        Column("Message", ".status.message", priority=1),
        _AGE,
    ),
)

KINDS = (INFERENCE_ROLLOUT, WARM_POOL)


def _rule(rule: str, message: str) -> Schema:
    return {"rule": rule, "message": message}


_UNCHANGED = _rule(
    "self.name == oldSelf.name", "targetRef cannot change: make a new resource for another target"
)

RULES: dict[str, tuple[Schema, ...]] = {
    "TargetRef": (_UNCHANGED,),
    "Analysis": (
        _rule(
            "!(has(self.stepWeights) && (has(self.stepWeight) || has(self.maxWeight)))",
            "stepWeights and the ramp of stepWeight and maxWeight exclude each other",
        ),
        _rule(
            "has(self.stepWeight) == has(self.maxWeight)",
            "a ramp needs both stepWeight and maxWeight",
        ),
        _rule(
            "!has(self.stepWeights) || (self.stepWeights.isSorted() && "
            "self.stepWeights.all(w, self.stepWeights.filter(v, v == w).size() == 1))",
            "stepWeights must rise from step to step",
        ),
        # The default is checked before the defaults inside of it are filled in.
        _rule(
            "!has(self.interval) || duration(self.interval) > duration('0s')",
            "interval must be longer than 0s: write it like 15s",
        ),
    ),
    "Metric": (
        _rule(
            f"has(self.query) || self.name in {list(BUILT_IN_METRICS)}",
            "a metric of another name needs a query: without one only "
            f"{', '.join(BUILT_IN_METRICS)} are known",
        ),
    ),
    "WarmPoolSpec": (
        _rule("self.minReplicas <= self.maxReplicas", "minReplicas is above maxReplicas"),
        _rule(
            "!has(self.schedules) || self.schedules.all(s, s.desiredReplicas <= self.maxReplicas)",
            "a schedule wants more replicas than maxReplicas",
        ),
        _rule(
            "!has(self.schedules) || self.schedules.all(s, s.start != s.end)",
            "a schedule starts and ends at the same time: it never ends",
        ),
        _rule(
            "!(has(self.prices) && has(self.target))",
            "prices and target exclude each other: give one of them",
        ),
    ),
}
"""What the types check across fields, said in CEL for the API server."""


def crd(kind: Kind) -> dict[str, Any]:
    """The CustomResourceDefinition of a kind, as the API server takes it."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.crd_name},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "shortNames": [kind.short],
                "categories": ["pilotlight"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [column.manifest() for column in kind.columns],
                    "schema": {"openAPIV3Schema": _schema(kind)},
                }
            ],
        },
    }


def _schema(kind: Kind) -> Schema:
    status = structural(kind.status, RULES)
    # Defaults in a status would fill fields that no controller has written.
    _without_defaults(status)
    schema: Schema = {
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(kind.spec, RULES),
            "status": status,
        },
    }
    for path, key in kind.keyed_lists:
        _key(schema, path, key)
    return schema


def _without_defaults(schema: Schema) -> None:
    schema.pop("default", None)
    for child in schema.get("properties", {}).values():
        _without_defaults(child)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            _without_defaults(schema[key])


def _key(schema: Schema, path: str, key: str) -> None:
    for step in path.split("."):
        schema = schema["properties"][step]
    schema["x-kubernetes-list-type"] = "map"
    schema["x-kubernetes-list-map-keys"] = [key]
