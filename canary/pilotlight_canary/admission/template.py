"""What makes a component's Knative template, as one hash."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pilotlight.api.meta import GROUP
from pilotlight.api.rollout_status import Component
from pilotlight.kube.document import Document
from pilotlight_canary.admission.propagation import DEFAULT, Propagation

TEMPLATE_HASH = f"{GROUP}/template-hash"
PERCENT = "canaryTrafficPercent"
DIGITS = 16
# KServe's own defaulting writes these where a person wrote nothing.
EMPTY = {"resources": {}, "name": ""}


def template_hash(
    service: Document, component: Component, propagation: Propagation = DEFAULT
) -> str:
    """Identifies what KServe would make a component's revision from.

    The same for two documents exactly if going from one to the other makes no new revision, as
    far as the InferenceService itself decides on it.

    Args:
        service: An InferenceService; status and bookkeeping in its metadata do not matter.
        component: Which of its parts.
        propagation: What of its metadata does not reach a template.

    Returns:
        Sixteen hexadecimal digits; empty if the service has no such component.
    """
    part = (service.get("spec") or {}).get(component)
    if not isinstance(part, dict):
        return ""
    metadata = service.get("metadata") or {}
    left = propagation.left_annotations | {TEMPLATE_HASH}
    template = {
        # A component's own come last: they win.
        "annotations": _kept(left, metadata.get("annotations"), part.get("annotations")),
        "labels": _kept(propagation.left_labels, metadata.get("labels"), part.get("labels")),
        "component": _plain(
            {k: v for k, v in part.items() if k not in (PERCENT, "annotations", "labels")}
        ),
    }
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def recorded_hash(service: Document, component: Component) -> str:
    """The hash that a component carries; empty if nobody has ever held it."""
    part = (service.get("spec") or {}).get(component) or {}
    return str((part.get("annotations") or {}).get(TEMPLATE_HASH) or "")


def _kept(left: frozenset[str], *maps: Mapping[str, str] | None) -> dict[str, str]:
    return {k: v for entries in maps for k, v in (entries or {}).items() if k not in left}


def _plain(value: Any) -> Any:
    """Without what says nothing: an empty map may mean something (an affinity's selector)."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if v is not None and EMPTY.get(k) != v}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value
