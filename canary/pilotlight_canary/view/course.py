"""A timeline as series that can be drawn.

Shares are counted anew in each step: while the weight moves, the versions' sums cover different
times, and their shares cannot be compared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pilotlight.api.rollout_status import Phase
from pilotlight_canary.timeline import (
    SAMPLE_RATIO,
    CheckPlan,
    CheckPoint,
    Header,
    Point,
    Share,
    Timeline,
)
from pilotlight_canary.view.confidence import Band, band

JUDGED = frozenset({Phase.PROGRESSING, Phase.PAUSED})
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
    told: float | None
    """Canary's share of the traffic, as it was told."""
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
    """One check's course.

    What a look counts belongs to the step that lasted until then.
    """
    plan = timeline.header.checks.get(check, CheckPlan(worse=0, good=0))
    looks = [
        (at_s, point, point.checks[check])
        for at_s, point in zip(seconds(timeline), timeline.points, strict=True)
        if check in point.checks
    ]
    found: list[Moment] = []
    begun, starts = CheckPoint(), True
    for i, (at_s, point, now) in enumerate(looks):
        counted = looks[i - 1][1] if i else point
        canary, stable = _shares(check, now, begun)
        judged = counted.phase in JUDGED
        found.append(
            Moment(
                at_s=at_s,
                worse=now.worse,
                good=now.good,
                canary=band(*canary, plan.dispersion) if judged else None,
                stable=band(*stable, plan.dispersion) if judged else None,
                told=counted.weight / 100 if judged else None,
                starts_step=starts,
            )
        )
        starts = _step(point) != _step(counted)
        begun = now if starts else begun
    return found


def _shares(check: str, now: CheckPoint, begun: CheckPoint) -> tuple[Share, Share]:
    """Bad among all of both versions since the step began; for the split, canary's among all."""
    canary, stable = _since(now.canary, begun.canary), _since(now.stable, begun.stable)
    if check == SAMPLE_RATIO:
        return (canary[1], canary[1] + stable[1]), (0, 0)
    return canary, stable


def _since(now: Share, before: Share) -> Share:
    return max(0, now[0] - before[0]), max(0, now[1] - before[1])


def _step(point: Point) -> tuple[int, int]:
    return point.step, point.weight


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
            found = Decision(at_s, words, _grounds(point, timeline.header))
    return found


def _grounds(point: Point, header: Header) -> str:
    """The reason; a promotion's with the evidence of the check that took longest."""
    if DECISIONS[point.phase] != "promoted" or "e-value" in point.reason:
        return point.reason
    parts = {
        name: point.checks[name].good / plan.good
        for name, plan in header.checks.items()
        if plan.good and name in point.checks
    }
    if not parts:
        return point.reason
    slowest = min(parts, key=lambda name: parts[name])
    (x_c, n_c), (x_s, n_s) = point.checks[slowest].canary, point.checks[slowest].stable
    seen = f"{slowest} {x_c:,} of {n_c:,} at the canary, {x_s:,} of {n_s:,} at stable"
    part = parts[slowest]
    shown = (
        "no check is worse than allowed" if part >= 1 else f"on {100 * part:.0f} % of the evidence"
    )
    return f"{point.reason}; {shown}; slowest: {seen}"
