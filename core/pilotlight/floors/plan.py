"""What the floors shall be: a pure function of the claims."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pilotlight.api.meta import FloorClaim
from pilotlight.floors.bounds import Bounds


@dataclass(frozen=True)
class Change:
    """One revision's minimum, as it is and as it shall be; ``None``: not written."""

    revision: str
    before: int | None
    after: int | None

    @property
    def is_raise(self) -> bool:
        return (self.after or 0) > (self.before or 0)


@dataclass(frozen=True)
class Plan:
    """How the minimums of a namespace's revisions become what is claimed."""

    changes: tuple[Change, ...]
    originals: Mapping[str, int | None]
    """By revision, the minimum to go back to: known before the first change is made."""
    left: Mapping[str, int | None]
    """What of it is still needed when all changes are made."""


def plan(
    claims: Iterable[FloorClaim],
    revisions: Mapping[str, Bounds],
    originals: Mapping[str, int | None],
    now: datetime,
) -> Plan:
    """The largest live claim on each revision; where none is left, what it had before.

    Args:
        claims: Of every rollout and warm pool in the namespace.
        revisions: Those that there are, and their bounds now.
        originals: The minimums that revisions had before their first claim.
        now: Claims that expire at or before it do not count.
    """
    wanted: dict[str, int] = {}
    for claim in claims:
        if claim.expires_at is None or claim.expires_at > now:
            wanted[claim.revision] = max(claim.replicas, wanted.get(claim.revision, 0))
    changes = []
    known: dict[str, int | None] = {}
    for name, bounds in revisions.items():
        if name in wanted:
            known[name] = originals.get(name, bounds.minimum)
            after: int | None = bounds.cap(wanted[name])
        elif name in originals:
            after = known[name] = originals[name]
        else:
            continue
        if after != bounds.minimum:
            changes.append(Change(name, bounds.minimum, after))
    left = {name: minimum for name, minimum in known.items() if name in wanted}
    return Plan(tuple(changes), known, left)
