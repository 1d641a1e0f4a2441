"""Two looks at the same counters: what was counted in between, by revision."""

from collections.abc import Mapping
from dataclasses import dataclass

from pilotlight_canary.metrics.snapshot import Counter, Look, Reading
from pilotlight_canary.observation import Silence

UNEVEN = 0.25
"""So much longer may one version have been counted than the other."""
SHORTEST_S = 0.5
"""Figures that are hardly newer than the last ones are the last ones."""
GONE_AFTER_S = 120.0
"""Who is silent for so long is taken for gone, and the others are compared without."""


@dataclass(frozen=True)
class Counted:
    """What was counted between two looks.

    Args:
        seconds: Between the figures, not between the looks.
        by_revision: Differences; a counter that is absent did not move.
    """

    seconds: float
    by_revision: Mapping[str, Mapping[Counter, float]]


@dataclass(frozen=True)
class _Part:
    seconds: float | None
    counters: Mapping[Counter, float]


def counted(
    before: Look | Silence | None,
    after: Look | Silence | None,
    revisions: tuple[str, ...],
    *,
    asked_at: float,
    stale_after_s: float,
) -> Counted | Silence:
    """Compare two looks.

    Args:
        before: The earlier one.
        after: The later one.
        revisions: That must all have been counted.
        asked_at: When the later look was taken.
        stale_after_s: Older figures say nothing of now.

    Returns:
        The differences, or why there are none: then the earlier look is still the one to
        compare the next one with.
    """
    if isinstance(after, Silence):
        return after
    if before is None or after is None:
        return Silence("there was no such source until now")
    if isinstance(before, Silence):
        return Silence("this is the first look")
    if reason := _unusable(before, after, asked_at, stale_after_s):
        return Silence(reason)
    began = _began(before)
    parts: dict[str, list[_Part]] = {revision: [] for revision in revisions}
    for instance, reading in after.readings.items():
        if instance.revision in parts:
            part = _part(before.readings.get(instance), reading, began)
            parts[instance.revision].append(part)
    seconds = {revision: _mean_s(found) for revision, found in parts.items()}
    if missing := [revision for revision in revisions if seconds[revision] is None]:
        return Silence(f"nothing has counted the requests of {' and '.join(missing)} twice yet")
    spans = [span for span in seconds.values() if span is not None]
    if max(spans) < SHORTEST_S:
        return Silence("there are no new figures since the last look")
    if min(spans) < (1 - UNEVEN) * max(spans):
        return Silence(
            "the versions' figures are not of the same time: "
            + ", ".join(f"{spans_of} s of {name}" for name, spans_of in _told(seconds).items())
        )
    return Counted(sum(spans) / len(spans), {name: _sum(found) for name, found in parts.items()})


def covers(look: Look, revisions: tuple[str, ...], asked_at: float) -> bool:
    """Whether a look can still be the one to compare with: of both versions, and not too old."""
    counted_ones = {instance.revision for instance in look.readings}
    return counted_ones >= set(revisions) and asked_at - _latest(look) < GONE_AFTER_S


def _unusable(before: Look, after: Look, asked_at: float, stale_after_s: float) -> str:
    missing = [i for i in sorted(after.silent) if i in before.readings]
    if missing and asked_at - _latest(before) < GONE_AFTER_S:
        return f"{missing[0].name} does not tell its figures"
    for instance, reading in sorted(after.readings.items()):
        age_s = asked_at - reading.at
        if age_s > stale_after_s:
            return f"the figures of {instance.name} are {age_s:.0f} s old"
    return ""


def _part(before: Reading | None, after: Reading, began: float) -> _Part:
    if before is None:
        # New since the last look, or only unseen until now: then what it counted is not of now.
        is_new = after.started_at is not None and after.started_at >= began
        return _Part(after.at - began, after.counters) if is_new else _Part(None, {})
    seconds = after.at - before.at
    if restarted(before, after):
        return _Part(None, {}) if after.is_sum else _Part(seconds, after.counters)
    moved = {
        counter: value - before.counters.get(counter, 0.0)
        for counter, value in after.counters.items()
    }
    return _Part(seconds, moved)


def restarted(before: Reading, after: Reading) -> bool:
    """Whether the counters began anew in between: what they had counted by then is lost."""
    starts = before.started_at, after.started_at
    if starts[0] is not None and starts[1] is not None and starts[1] > starts[0]:
        return True
    return any(after.counters.get(counter, 0.0) < old for counter, old in before.counters.items())


def _began(look: Look) -> float:
    return min((reading.at for reading in look.readings.values()), default=0.0)


def _latest(look: Look) -> float:
    return max((reading.at for reading in look.readings.values()), default=0.0)


def _mean_s(parts: list[_Part]) -> float | None:
    spans = [part.seconds for part in parts if part.seconds is not None]
    return sum(spans) / len(spans) if spans else None


def _sum(parts: list[_Part]) -> dict[Counter, float]:
    total: dict[Counter, float] = {}
    for part in parts:
        for counter, moved in part.counters.items():
            if moved:
                total[counter] = total.get(counter, 0.0) + moved
    return total


def _told(seconds: Mapping[str, float | None]) -> dict[str, str]:
    return {name: f"{span or 0:.0f}" for name, span in seconds.items()}
