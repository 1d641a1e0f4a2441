"""Knative's Revisions, and what their conditions mean for a rollout."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from pilotlight.api.rollout_status import Component
from pilotlight.floors.bounds import bounds_of
from pilotlight.kserve.names import annotations, is_seen
from pilotlight.kube.access import MANAGER
from pilotlight.kube.document import Condition, Document, condition
from pilotlight_canary.kserve.names import NO_GC, TEMPLATE_HASH
from pilotlight_canary.kserve.pods import pods_of
from pilotlight_canary.observation import Readiness, Revision

# Knative calls a revision failed, too, that only finds no room: that says nothing against it.
NO_ROOM = frozenset({"Unschedulable", "SchedulingGated"})
QUOTA = "exceeded quota"


def revision_of(document: Document, component: Component, pods: Iterable[Document]) -> Revision:
    """A Revision with its pods."""
    metadata = document["metadata"]
    bounds = bounds_of(document)
    found = condition(document, "Ready") if is_seen(document) else None
    counted = pods_of(pods)
    if found and _is_short_of_room(found) and not counted.unschedulable:
        counted = replace(counted, unschedulable=_words(found))
    return Revision(
        name=metadata["name"],
        component=component,
        created_at=datetime.fromisoformat(metadata["creationTimestamp"]),
        template_hash=annotations(document).get(TEMPLATE_HASH, ""),
        readiness=_readiness(found, has_no_room=bool(counted.unschedulable)),
        message="" if found is None or found.is_true else _words(found),
        pods=counted,
        floor=bounds.minimum or 0,
        ceiling=bounds.ceiling,
        kept=_is_kept_by_us(document),
    )


def _readiness(found: Condition | None, *, has_no_room: bool) -> Readiness:
    if found is None:
        return Readiness.UNKNOWN
    if found.is_true:
        return Readiness.READY
    # Its deadline passes while it waits for a node, too.
    return Readiness.FAILED if found.is_false and not has_no_room else Readiness.UNKNOWN


def _is_short_of_room(found: Condition) -> bool:
    return not found.is_true and (found.reason in NO_ROOM or QUOTA in found.message)


def _words(found: Condition) -> str:
    return ": ".join(part for part in (found.reason, found.message) if part)


def _is_kept_by_us(document: Document) -> bool:
    """Whether its ``no-gc`` is of our writing: a person's own is not for us to take away."""
    if annotations(document).get(NO_GC) != "true":
        return False
    return any(
        entry.get("manager") == MANAGER
        and f"f:{NO_GC}" in entry.get("fieldsV1", {}).get("f:metadata", {}).get("f:annotations", {})
        for entry in document["metadata"].get("managedFields") or []
    )
