"""What a pod asks for, what a node has left, and how often the one fits into the other."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from pilotlight.kube.document import Document
from pilotlight.kube.quantity import quantity

Amounts: TypeAlias = dict[str, Decimal]
PODS = "pods"
ZERO = Decimal(0)
ENDED = frozenset({"Succeeded", "Failed"})
"""Phases of pods that take nothing any more."""


def asked(spec: Mapping[str, Any], of: str = "requests") -> Amounts:
    """What a pod takes: its containers' sum, or one init container's where that is more.

    Args:
        spec: Of the pod.
        of: ``requests``, for which limits stand in where they are missing, or ``limits``.
    """
    total: Amounts = {}
    for container in spec.get("containers") or []:
        _add(total, _of(container, of))
    largest: Amounts = {}
    for container in spec.get("initContainers") or []:
        amounts = _of(container, of)
        if container.get("restartPolicy") == "Always":
            _add(total, amounts)
        else:
            largest |= {k: max(v, largest.get(k, ZERO)) for k, v in amounts.items()}
    total |= {k: max(v, total.get(k, ZERO)) for k, v in largest.items()}
    _add(total, _quantities(spec.get("overhead")))
    return total


def left_on(node: Document, pods: Iterable[Document]) -> Amounts:
    """What pods may still ask of a node."""
    left = _quantities(node["status"].get("allocatable"))
    for pod in pods:
        for name, amount in (asked(pod["spec"]) | {PODS: Decimal(1)}).items():
            left[name] = left.get(name, ZERO) - amount
    return left


def on_nodes(pods: Iterable[Document]) -> dict[str, list[Document]]:
    """Pods that take something of a node, by its name."""
    found: dict[str, list[Document]] = {}
    for pod in pods:
        node = pod["spec"].get("nodeName")
        if node and (pod.get("status") or {}).get("phase") not in ENDED:
            found.setdefault(node, []).append(pod)
    return found


def times(left: Amounts, each: Amounts) -> tuple[int, str]:
    """How often an amount fits into what is left, and what is short first."""
    fits = {
        name: int(max(left.get(name, ZERO), ZERO) // amount)
        for name, amount in each.items()
        if amount > 0
    }
    shortest = min(fits, key=lambda name: fits[name])
    return fits[shortest], shortest


def _of(container: Mapping[str, Any], of: str) -> Amounts:
    resources = container.get("resources") or {}
    limits = _quantities(resources.get("limits"))
    return limits if of == "limits" else limits | _quantities(resources.get("requests"))


def _quantities(texts: Mapping[str, str] | None) -> Amounts:
    return {name: quantity(text) for name, text in (texts or {}).items()}


def _add(total: Amounts, amounts: Amounts) -> None:
    for name, amount in amounts.items():
        total[name] = total.get(name, ZERO) + amount
