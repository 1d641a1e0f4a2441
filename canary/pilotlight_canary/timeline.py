"""The course of one rollout, kept in a ConfigMap: a point for each look, thinned to a bounded size.

The controller calls ``record`` at each look; ``pilotlight rollout plot`` calls ``parse``.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import log
from typing import Annotated

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, PlainSerializer, ValidationError

from pilotlight.api.analysis import Analysis
from pilotlight.api.meta import ApiModel
from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import Component, Evidence, InferenceRolloutStatus, Phase
from pilotlight.errors import ManifestError

POINTS = "points"
ROLLOUT = "rollout"
MOST_POINTS = 500
MOST_BYTES = 800_000
"""A ConfigMap takes 1 MiB, keys and metadata included."""
MOST_REASON = 300
MOST_NATS = 1e6
SAMPLE_RATIO = "sample-ratio"
ENDED = frozenset({Phase.SUCCEEDED, Phase.ROLLED_BACK})


def _few_digits(value: float) -> float:
    return round(min(max(value, -MOST_NATS), MOST_NATS), 3)


Nats = Annotated[float, PlainSerializer(_few_digits, return_type=float)]
Share = tuple[int, int]
"""Bad among all."""


class CheckPoint(BaseModel):
    """One check, summed from the rollout's start."""

    model_config = ConfigDict(frozen=True)

    worse: Nats = 0.0
    """Natural logarithm of the e-value that the canary is worse than allowed."""
    good: Nats = 0.0
    """Natural logarithm of the e-value that it is not."""
    canary: Share = (0, 0)
    stable: Share = (0, 0)


class Point(BaseModel):
    """How a rollout stood at one look."""

    model_config = ConfigDict(frozen=True)

    at: datetime = Field(validation_alias=AliasChoices("t", "at"), serialization_alias="t")
    phase: Phase
    weight: int = 0
    step: int = 0
    checks: Mapping[str, CheckPoint] = Field(default_factory=dict)
    reason: str = ""

    def same_course(self, other: "Point") -> bool:
        """Nothing happened between the two but that evidence came in."""
        return (self.phase, self.weight, self.step) == (other.phase, other.weight, other.step)


class CheckPlan(ApiModel):
    """What decides on one check."""

    worse: float
    """From this logarithm of the e-value on, this check alone takes the canary back."""
    good: float
    """From this one on, it is no reason against promotion; 0: it has no say in that."""
    max_ratio: float = 1.0
    tolerance: float = 0.0
    dispersion: float = 1.0
    """Variance of stable's bad before the rollout, in units of independent requests' variance."""


class Header(ApiModel):
    """What a timeline is about."""

    name: str
    namespace: str
    target: str
    component: Component = Component.PREDICTOR
    stable_revision: str = ""
    canary_revision: str = ""
    template_hash: str = ""
    started_at: datetime | None = None
    weights: tuple[int, ...] = ()
    checks: dict[str, CheckPlan] = Field(default_factory=dict)


class Timeline(BaseModel):
    """A rollout's course, oldest point first."""

    model_config = ConfigDict(frozen=True)

    header: Header
    points: tuple[Point, ...] = ()

    def append(self, point: Point, limit: int = MOST_POINTS) -> "Timeline":
        """One point more; the least telling one goes when there are more than ``limit``."""
        if self.points and _repeats_the_end(self.points[-1], point):
            return self
        return self.model_copy(update={"points": thinned((*self.points, point), limit)})

    def data(self) -> dict[str, str]:
        """The keys of the ConfigMap."""
        lines = [_line(point) for point in self.points]
        while sum(map(len, lines)) + len(lines) > MOST_BYTES:
            lines = [_line(point) for point in thinned(self.points, len(lines) * 9 // 10)]
        header = self.header.model_dump_json(by_alias=True)
        return {ROLLOUT: header, POINTS: "\n".join(lines)}


def name_of(rollout: str) -> str:
    """The ConfigMap of a rollout's course."""
    return f"{rollout}-timeline"


def record(data: Mapping[str, str], rollout: InferenceRollout, at: datetime) -> dict[str, str]:
    """The ConfigMap's keys with what the rollout's status says now.

    A rollout that began at another time starts a new course; keys that cannot be read, too.
    Where nothing is rolled out the keys stay as they are.

    Args:
        data: The keys so far; empty for a new ConfigMap.
        at: When the look was.
    """
    if rollout.status.started_at is None:
        return dict(data)
    header = header_of(rollout)
    try:
        before = parse(data)
    except ManifestError:
        before = Timeline(header=header)
    points: tuple[Point, ...] = ()
    if before.header.started_at == header.started_at:
        points = before.points
        # After a promotion the new version is the stable one.
        stable = before.header.stable_revision or header.stable_revision
        header = header.model_copy(update={"stable_revision": stable})
    return Timeline(header=header, points=points).append(point_of(rollout.status, at)).data()


def parse(data: Mapping[str, str]) -> Timeline:
    """A timeline from its ConfigMap's keys.

    Raises:
        ManifestError: They are not what the controller writes.
    """
    try:
        header = Header.model_validate_json(data[ROLLOUT])
        lines = [line for line in data.get(POINTS, "").splitlines() if line]
        return Timeline(header=header, points=tuple(map(Point.model_validate_json, lines)))
    except (KeyError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise ManifestError(f"this is not a rollout's timeline: {reason}") from error


def header_of(rollout: InferenceRollout) -> Header:
    """The names, the steps and the thresholds of a rollout as it is now."""
    status, analysis = rollout.status, rollout.spec.analysis
    return Header(
        name=rollout.metadata.name,
        namespace=rollout.metadata.namespace,
        target=rollout.spec.target_ref.name,
        component=status.component,
        stable_revision=status.stable_revision,
        canary_revision=status.canary_revision,
        template_hash=status.template_hash,
        started_at=status.started_at,
        weights=analysis.weights,
        checks=check_plans(analysis, status.evidence),
    )


def check_plans(analysis: Analysis, evidence: Sequence[Evidence] = ()) -> dict[str, CheckPlan]:
    """What decides on each check, as the verdict has it.

    One of k checks takes a canary back by itself when its e-value is k times what the budget asks
    for, since the mean of the e-values decides; for promotion each has to pass with the whole
    budget.
    """
    budgets, checks = analysis.budgets, analysis.checks
    dispersion = {entry.check: entry.dispersion for entry in evidence if not entry.stratum}
    plans = {
        check.name: CheckPlan(
            worse=log(len(checks) / budgets.false_rollback),
            good=log(1 / budgets.missed_regression),
            max_ratio=check.max_ratio,
            tolerance=check.tolerance,
            dispersion=dispersion.get(check.name, 1.0),
        )
        for check in checks
    }
    return plans | {SAMPLE_RATIO: CheckPlan(worse=log(1 / budgets.false_rollback), good=0.0)}


def point_of(status: InferenceRolloutStatus, at: datetime) -> Point:
    """How a rollout stands; of its evidence the whole checks, not their strata."""
    return Point(
        at=at,
        phase=status.phase,
        weight=status.weight,
        step=status.step,
        checks={e.check: _check_point(e) for e in status.evidence if not e.stratum},
        reason=status.reason[:MOST_REASON],
    )


def _check_point(e: Evidence) -> CheckPoint:
    return CheckPoint(
        worse=e.log_worse,
        good=e.log_good,
        canary=(e.canary_bad, e.canary_total),
        stable=(e.stable_bad, e.stable_total),
    )


def thinned(points: Sequence[Point], limit: int) -> tuple[Point, ...]:
    """At most ``limit`` points: the ends stay, then changes of phase, weight or step.

    Of the others that one goes first whose neighbours are closest in time, so that what is left
    is spread evenly.
    """
    kept = list(points)
    while len(kept) > max(limit, 2):
        kept.pop(min(range(1, len(kept) - 1), key=lambda i: _worth(kept, i)))
    return tuple(kept)


def _worth(points: Sequence[Point], i: int) -> tuple[bool, float]:
    before, point, after = points[i - 1], points[i], points[i + 1]
    eventful = not (point.same_course(before) and point.same_course(after))
    return eventful, (after.at - before.at).total_seconds()


def has_ended(status: InferenceRolloutStatus) -> bool:
    """Whether nothing more comes of the last version: also where there was never room for it."""
    gave_up = status.phase is Phase.NO_CAPACITY and status.waiting_since is None
    return status.phase in ENDED or (gave_up and bool(status.history))


def _repeats_the_end(last: Point, point: Point) -> bool:
    return last.phase in ENDED and point.same_course(last) and point.reason == last.reason


def _line(point: Point) -> str:
    return json.dumps(point.model_dump(mode="json", by_alias=True), separators=(",", ":"))
