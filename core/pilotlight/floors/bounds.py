"""A revision's bounds, as Knative's autoscaler reads them from its annotations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MIN_SCALE = "autoscaling.knative.dev/min-scale"
MAX_SCALE = "autoscaling.knative.dev/max-scale"
# Knative still reads the old spellings where the new ones are absent.
OLD_SPELLING = {
    MIN_SCALE: "autoscaling.knative.dev/minScale",
    MAX_SCALE: "autoscaling.knative.dev/maxScale",
}


@dataclass(frozen=True)
class Bounds:
    """The fewest and the most replicas of a revision."""

    minimum: int | None = None
    """``None``: not written."""
    ceiling: int | None = None
    """``None``: no bound."""

    def cap(self, replicas: int) -> int:
        """As many of them as Knative admits for a minimum."""
        return replicas if self.ceiling is None else min(replicas, self.ceiling)


def bounds_of(revision: Mapping[str, Any]) -> Bounds:
    """The bounds written on a Revision."""
    annotations = (revision.get("metadata") or {}).get("annotations") or {}
    # A max-scale of 0 is Knative's word for no bound.
    return Bounds(_number(annotations, MIN_SCALE), _number(annotations, MAX_SCALE) or None)


def _number(annotations: Mapping[str, str], name: str) -> int | None:
    text = annotations.get(name) or annotations.get(OLD_SPELLING[name]) or ""
    return int(text) if text.isdecimal() else None
