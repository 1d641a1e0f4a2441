"""Looks at two revisions, made by hand."""

from collections.abc import Mapping

from pilotlight_canary.metrics.snapshot import Counter, Instance, Look, Reading, Snapshot
from pilotlight_canary.observation import Silence

STABLE, CANARY = "m-00001", "m-00002"
S1, S2 = Instance(STABLE, "s1"), Instance(STABLE, "s2")
C1, C2 = Instance(CANARY, "c1"), Instance(CANARY, "c2")


def look(at: float, counters: Mapping[Instance, Mapping[Counter, float]]) -> Look:
    """All read at the same time."""
    return Look({instance: Reading(at, own) for instance, own in counters.items()})


def snapshot(at: float, pods: Look | Silence, gateway: Look | Silence | None = None) -> Snapshot:
    return Snapshot(at, STABLE, CANARY, pods, gateway)
