"""How the gateway splits the traffic, from what Knative says of its Route."""

from collections.abc import Mapping
from typing import Any

from pilotlight.kube.document import Document, condition

ASSIGNED = "AllTrafficAssigned"


def split_of(route: Document) -> Mapping[str, int]:
    """Percentage by revision as it is now; empty while the gateway changes over.

    Knative leaves the gateway as it was as long as a revision that the Route names is not ready
    (``AllTrafficAssigned``), and writes the split into the status before the gateway has it
    (``Ready``, for which every gateway pod was asked).
    """
    ready, assigned = condition(route, "Ready"), condition(route, ASSIGNED)
    is_left_alone = assigned is not None and not assigned.is_true
    if not is_left_alone and not (ready is not None and ready.is_true):
        return {}
    return total((route.get("status") or {}).get("traffic") or [])


def total(targets: list[dict[str, Any]]) -> dict[str, int]:
    """Percentages of targets, summed by revision."""
    split: dict[str, int] = {}
    for target in targets:
        name = target.get("revisionName") or ""
        split[name] = split.get(name, 0) + (target.get("percent") or 0)
    return split
