"""Which nodes a pod may go to: the scheduler's filters that its own spec decides."""

from collections.abc import Callable, Mapping
from typing import Any

from pilotlight.kserve.names import labels
from pilotlight.kube.document import Document, condition

REPELS = frozenset({"NoSchedule", "NoExecute"})
OPERATORS: Mapping[str, Callable[[str | None, list[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
    "Gt": lambda value, values: value is not None and int(value) > int(values[0]),
    "Lt": lambda value, values: value is not None and int(value) < int(values[0]),
}


def takes(node: Document, spec: Mapping[str, Any]) -> bool:
    """Whether a node is up and takes a pod of this spec, if it has room."""
    ready = condition(node, "Ready")
    if node["spec"].get("unschedulable") or ready is None or not ready.is_true:
        return False
    return _is_tolerated(node, spec) and _is_selected(node, spec)


def _is_tolerated(node: Document, spec: Mapping[str, Any]) -> bool:
    tolerations = spec.get("tolerations") or []
    return all(
        any(_tolerates(toleration, taint) for toleration in tolerations)
        for taint in node["spec"].get("taints") or []
        if taint.get("effect") in REPELS
    )


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    key = toleration.get("key")
    if key and key != taint.get("key"):
        return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(key) and (toleration.get("value") or "") == (taint.get("value") or "")


def _is_selected(node: Document, spec: Mapping[str, Any]) -> bool:
    has = labels(node)
    selector: Mapping[str, str] = spec.get("nodeSelector") or {}
    if any(has.get(name) != value for name, value in selector.items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    needed = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if needed is None:
        return True
    # Of the terms one is enough; of a term's expressions all have to hold.
    return any(_matches(node, term) for term in needed.get("nodeSelectorTerms") or [])


def _matches(node: Document, term: Mapping[str, Any]) -> bool:
    expressions = [
        *((labels(node).get(entry["key"]), entry) for entry in term.get("matchExpressions") or []),
        *((node["metadata"]["name"], entry) for entry in term.get("matchFields") or []),
    ]
    return bool(expressions) and all(
        OPERATORS[entry["operator"]](value, entry.get("values") or [])
        for value, entry in expressions
    )
