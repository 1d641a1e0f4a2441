"""What each policy costs at a given price of a wake, and what people's usual settings come to."""

from dataclasses import dataclass

import numpy as np

from pilotlight_bench.warmpool.study import Family, Study

PRICES_S = (900.0, 3600.0)
"""Of a wake, in replica-seconds."""

_USUAL_MINUTES = (5.0, 15.0, 60.0)


@dataclass(frozen=True)
class Line:
    """One policy with one parameter, in the scored week.

    Args:
        policy: Its name.
        parameters: Those it ran with.
        wake_s: The price that they were chosen for on the learning week; none for a usual setting.
        idle_s: Replica-seconds without work.
        wakes: Gaps that ended at no ready replica.
        affected: Requests that waited for it.
    """

    policy: str
    parameters: dict[str, float]
    wake_s: float | None
    idle_s: float
    wakes: float
    affected: float

    def cost_s(self, wake_s: float) -> float:
        """Replica-seconds, wakes included."""
        return self.idle_s + wake_s * self.wakes


def usual(study: Study) -> list[Line]:
    """Knative as it comes, retentions that people set, and a fixed floor of one."""
    lines = []
    for family in study.families:
        for index, setting in enumerate(family.settings):
            fixed = family.name in ("knative", "floor-1")
            if fixed or (family.name == "retention" and setting["minutes"] in _USUAL_MINUTES):
                lines.append(_line(study, family, index, None))
    return lines


def cheapest(study: Study, wake_s: float) -> list[Line]:
    """Every policy with the parameter that cost least in the learning week."""
    cost = study.learning.idle_s.sum(axis=1) + wake_s * study.learning.wakes.sum(axis=1)
    return [
        _line(study, family, int(np.argmin(cost[family.rows])), wake_s) for family in study.families
    ]


def _line(study: Study, family: Family, index: int, wake_s: float | None) -> Line:
    row, week = family.rows.start + index, study.scoring
    return Line(
        family.name,
        family.settings[index],
        wake_s,
        float(week.idle_s[row].sum()),
        float(week.wakes[row].sum()),
        float(week.affected[row].sum()),
    )
