"""A timeline as series that can be drawn.

Shares are counted anew in each step: while the weight moves, the versions' sums cover different
times, and their shares cannot be compared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pilotlight.api.rollout_status import Phase
from pilotlight_canary.timeline import CheckPlan, CheckPoint, Point, Share, Timeline
from pilotlight_canary.view.confidence import Band, band

DECISIONS = {
    Phase.PROMOTING: "promoted",
    Phase.WATCHING: "promoted",
    Phase.SUCCEEDED: "promoted",
    Phase.ROLLING_BACK: "taken back",
    Phase.ROLLED_BACK: "taken back",
}


@dataclass(frozen=True)
class Moment:
    """One check at one look; times are seconds since the first."""

    at_s: float
    worse: float
    good: float
    canary: Band | None
    stable: Band | None
    starts_step: bool


@dataclass(frozen=True)
class Decision:
    """When and why a rollout was promoted or taken back."""

    at_s: float
    words: str
    reason: str


@dataclass(frozen=True)
class Stay:
    """A phase, and from when to when."""

    phase: Phase
    from_s: float
    to_s: float


def start(timeline: Timeline) -> datetime:
    """The first look; there is one."""
    return timeline.points[0].at


def seconds(timeline: Timeline) -> list[float]:
    """When each look was."""
    return [(point.at - start(timeline)).total_seconds() for point in timeline.points]


def checks(timeline: Timeline) -> list[str]:
    """Those that have figures, in the plan's order."""
    seen = {name for point in timeline.points for name in point.checks}
    planned = [name for name in timeline.header.checks if name in seen]
    return planned + sorted(seen - set(planned))


def moments(timeline: Timeline, check: str) -> list[Moment]:
    """One check's course."""
    plan = timeline.header.checks.get(check, CheckPlan(worse=0, good=0))
    found: list[Moment] = []
    begun, last = CheckPoint(), CheckPoint()
    step = None
    for at_s, point in zip(seconds(timeline), timeline.points, strict=True):
        now = point.checks.get(check)
        if now is None:
            continue
        starts = _step(point) != step
        begun, step = (last, _step(point)) if starts else (begun, step)
        found.append(
            Moment(
                at_s=at_s,
                worse=now.worse,
                good=now.good,
                canary=_band(now.canary, begun.canary, plan.dispersion),
                stable=_band(now.stable, begun.stable, plan.dispersion),
                starts_step=starts,
            )
        )
        last = now
    return found


def _step(point: Point) -> tuple[int, int]:
    return point.step, point.weight


def _band(now: Share, before: Share, dispersion: float) -> Band | None:
    return band(max(0, now[0] - before[0]), now[1] - before[1], dispersion)


def stays(timeline: Timeline) -> list[Stay]:
    """The phases one after the other; the last one ends with the last look."""
    times = seconds(timeline)
    firsts = list(_changes(timeline.points))
    ends = [times[i] for i in firsts[1:]] + [times[-1]]
    return [
        Stay(timeline.points[i].phase, times[i], end) for i, end in zip(firsts, ends, strict=True)
    ]


def _changes(points: Sequence[Point]) -> Iterator[int]:
    for i, point in enumerate(points):
        if i == 0 or point.phase is not points[i - 1].phase:
            yield i


def decision(timeline: Timeline) -> Decision | None:
    """The last time that a rollout was promoted or taken back, if it was."""
    found: Decision | None = None
    for at_s, point in zip(seconds(timeline), timeline.points, strict=True):
        words = DECISIONS.get(point.phase)
        if words is None:
            found = None
        elif found is None or found.words != words:
            found = Decision(at_s, words, point.reason)
    return found
