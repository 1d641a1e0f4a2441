"""What the minimums without Knative shall be: a pure function of claims, places and notes."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pilotlight.api.meta import FloorClaim
from pilotlight_autoscaler.kserve.notes import Note
from pilotlight_autoscaler.kserve.places import Place


@dataclass(frozen=True)
class Change:
    """What one place shall say instead."""

    place: Place
    minimum: int | None
    idle: int | None


@dataclass(frozen=True)
class Plan:
    """How minimums become what is claimed.

    Args:
        changes: To be written.
        notes: What has to be written down before the first of them.
        left: What of it is needed when all are made.
    """

    changes: tuple[Change, ...]
    notes: Mapping[str, Note]
    left: Mapping[str, Note]


def plan(
    claims: Iterable[FloorClaim],
    places: Collection[Place],
    notes: Mapping[str, Note],
    now: datetime,
) -> Plan:
    """The largest live claim at each place; where none is left, what it said before.

    Args:
        claims: Of every warm pool in the namespace; those on revisions have no place here.
        places: Those that there are; one that does not hold its Deployment's minimum any more is
            given back like one that nobody claims.
        notes: What they said before, and what was written since, by their keys.
        now: Claims that expire at or before it do not count.
    """
    wanted: dict[str, int] = {}
    for claim in claims:
        if claim.expires_at is None or claim.expires_at > now:
            wanted[claim.revision] = max(claim.replicas, wanted.get(claim.revision, 0))
    changes: list[Change] = []
    known: dict[str, Note] = {}
    left: dict[str, Note] = {}
    for place in places:
        note = notes.get(place.key)
        if place.active and place.name in wanted:
            known[place.key] = held = _held(place, note, wanted[place.name])
            minimum = held.written[-1]
            left[place.key] = replace(held, written=(minimum,))
            if (place.minimum, place.idle) != (minimum, None):
                changes.append(Change(place, minimum, None))
        elif note is not None:
            known[place.key] = note
            if _is_ours(place, note):
                changes.append(Change(place, note.minimum, note.idle))
    return Plan(tuple(changes), known, left)


def _held(place: Place, note: Note | None, replicas: int) -> Note:
    """What is written for a claim, and what will be given back.

    To zero goes only what its owner lets go there: something has to wake it again.
    """
    if note is None or not _is_ours(place, note):
        note = Note(place.minimum, place.idle, ())
    least = min(1, place.said(note.minimum, note.idle))
    capped = replicas if place.ceiling is None else min(replicas, place.ceiling)
    return replace(note, written=(*note.written[-1:], max(least, capped)))


def _is_ours(place: Place, note: Note) -> bool:
    """Whether it still says what we wrote: otherwise somebody has changed their mind."""
    return place.idle is None and place.minimum in note.written
