"""Ours against the best of the others, at the idle hours of two retentions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pilotlight.errors import ProcessError
from pilotlight_bench.warmpool.frontier import AFFECTED, IDLE, WAKES, Frontier, Mix
from pilotlight_bench.warmpool.study import Family, Floats, Study, Week

POINTS_MINUTES = (15.0, 60.0)
FIGURES = {"wakes": WAKES, "affected": AFFECTED}
OWN_PEERS = frozenset({"break-even-random", "keep-alive-learnt"})
"""Others that nobody ships, made for this comparison: the headline counts them all the same."""


@dataclass(frozen=True)
class Reading:
    """One policy at one point.

    Args:
        policy: Its name.
        fallen: Idle seconds, wakes and affected requests of the scored week, the parameter chosen
            on the learning week for wakes.
        at_ours: Wakes and affected requests at the idle time that ours used.
        at_retention: The same at the retention's idle time.
    """

    policy: str
    fallen: tuple[float, float, float]
    at_ours: dict[str, float]
    at_retention: dict[str, float]


@dataclass(frozen=True)
class Point:
    """All policies at the idle hours of one retention.

    Args:
        minutes: Its length.
        retention: Its figures in the scored week: idle seconds, wakes, affected requests.
        ours: Of Pilotlight.
        others: Everybody else.
    """

    minutes: float
    retention: tuple[float, float, float]
    ours: Reading | None
    others: tuple[Reading, ...]

    def ratios(self) -> dict[str, float]:
        """Ours, as it fell, against the best other at the same hours; per figure."""
        if self.ours is None:
            return {}
        return {
            name: _ratio(self.ours.fallen[figure], min(o.at_ours[name] for o in self.others))
            for name, figure in FIGURES.items()
        }

    def ratios_to_known(self) -> dict[str, float]:
        """The same, but only against policies that others have published."""
        known = tuple(other for other in self.others if other.policy not in OWN_PEERS)
        return replace(self, others=known).ratios()

    def ratios_as_fallen(self) -> dict[str, float]:
        """Everybody as chosen on the learning week, whatever hours they used then."""
        if self.ours is None:
            return {}
        return {
            name: _ratio(self.ours.fallen[figure], min(o.fallen[figure] for o in self._reached()))
            for name, figure in FIGURES.items()
        }

    def ratios_at_retention(self) -> dict[str, float]:
        """Everybody at the retention's hours."""
        if self.ours is None:
            return {}
        return {
            name: _ratio(
                self.ours.at_retention[name], min(o.at_retention[name] for o in self.others)
            )
            for name in FIGURES
        }

    def _reached(self) -> list[Reading]:
        """Without a floor for ever, which has no parameter to come down to these hours with."""
        return [each for each in self.others if np.isfinite(each.at_retention["wakes"])]


def compare(study: Study, weights: Floats | None = None) -> tuple[Point, ...]:
    """The points of one trace.

    Args:
        study: What the policies came to.
        weights: How often each service counts; once by default. Shape (services,).
    """
    counts = np.ones(len(study.services)) if weights is None else weights
    learning, scoring = _sums(study.learning, counts), _sums(study.scoring, counts)
    frontiers = {
        family.name: {
            name: Frontier.of(learning[family.rows], scoring[family.rows], figure)
            for name, figure in FIGURES.items()
        }
        for family in study.families
    }
    return tuple(
        _point(
            study.families, frontiers, _retention_row(study, minutes), learning, scoring, minutes
        )
        for minutes in POINTS_MINUTES
    )


def geometric_mean(ratios: Sequence[float]) -> float:
    """NaN of none."""
    return float(np.exp(np.mean(np.log(ratios)))) if ratios else float("nan")


def _point(
    families: Sequence[Family],
    frontiers: dict[str, dict[str, Frontier]],
    row: int,
    learning: Floats,
    scoring: Floats,
    minutes: float,
) -> Point:
    meant = float(learning[row, IDLE])
    mixes = {name: each["wakes"].chosen(meant) for name, each in frontiers.items()}
    ours = next((family.name for family in families if family.ours), None)
    hours = float(scoring[row, IDLE])
    used = hours if ours is None else float(mixes[ours].of(frontiers[ours]["wakes"].scoring)[IDLE])
    readings = {
        name: _reading(name, each, mixes[name], used, hours, own=name == ours)
        for name, each in frontiers.items()
    }
    return Point(
        minutes,
        _three(scoring[row]),
        readings.pop(ours) if ours is not None else None,
        tuple(readings.values()),
    )


def _reading(
    name: str, frontiers: dict[str, Frontier], mix: Mix, used: float, hours: float, own: bool
) -> Reading:
    by_wakes = frontiers["wakes"]
    return Reading(
        name,
        _three(mix.of(by_wakes.scoring)),
        *(
            {
                figure: by_wakes.held(idle, column, by=WAKES)
                if own
                else min(each.held(idle, column, by=column) for each in frontiers.values())
                for figure, column in FIGURES.items()
            }
            for idle in (used, hours)
        ),
    )


def _retention_row(study: Study, minutes: float) -> int:
    for family in study.families:
        if family.name == "retention":
            for index, setting in enumerate(family.settings):
                if setting["minutes"] == minutes:
                    return int(family.rows.start) + index
    raise ProcessError(f"the study of {study.trace} has no retention of {minutes:g} minutes")


def _sums(week: Week, counts: Floats) -> Floats:
    """Idle seconds, wakes and affected requests of each setting, shape (settings, 3)."""
    return np.stack([week.idle_s @ counts, week.wakes @ counts, week.affected @ counts], axis=1)


def _three(row: Floats) -> tuple[float, float, float]:
    return float(row[0]), float(row[1]), float(row[2])


def _ratio(ours: float, theirs: float) -> float:
    if theirs == 0:
        return 1.0 if ours == 0 else float("inf")
    return ours / theirs
