"""Pilotlight's forecast among the policies: the code of production, asked gap by gap."""

from dataclasses import dataclass, field

import numpy as np

from pilotlight_autoscaler.demand import Demand, Floats
from pilotlight_autoscaler.forecast.blend import Blend, shipped
from pilotlight_autoscaler.forecast.bursts import expected_bursts
from pilotlight_autoscaler.forecast.history import LATELY_S, History, history
from pilotlight_autoscaler.forecast.plan import plan, warm_steps
from pilotlight_autoscaler.study.gaps import Gaps
from pilotlight_autoscaler.study.peers.break_even import WAKES_S
from pilotlight_autoscaler.study.policy import Family, Setting
from pilotlight_autoscaler.study.population import Service
from pilotlight_autoscaler.study.warm import Warm

BIN_S = 60.0
"""Production sees its history in bins of a minute."""

BURST_POWER = 0.3
"""A wake costs as much as its parameter times the burst it meets to this power.

0 counts wakes and 1 counts people who wait; chosen in the learning weeks. A power, not a price
for each request, so that it means the same in traces of other sizes.
"""


def pilotlight(cold_start_s: float) -> Family:
    """With the blend that is shipped, for all prices of a wake."""
    foresight = Foresight(cold_start_s, shipped())
    settings = (
        Setting(Pilotlight(wake, foresight, BURST_POWER), {"wake_s": wake}) for wake in WAKES_S
    )
    return Family("pilotlight", tuple(settings), ours=True)


@dataclass(frozen=True)
class Pilotlight:
    """Keeps and starts where that costs less than waiting is expected to.

    Args:
        wake_s: Price of a wake that one request meets, in seconds of a warm replica.
        foresight: Shared by all prices.
        burst_power: How the price grows with the requests that are expected to wait.
    """

    wake_s: float
    foresight: "Foresight"
    burst_power: float

    def plan(self, service: Service, before: Gaps, asked: Gaps) -> Warm:
        """The forecast's plan for each gap, from what had been recorded when it began."""
        start_s = self.foresight.cold_start_s
        rates, bursts = self.foresight.of(service, asked)
        wakes = self.wake_s * bursts**self.burst_power + start_s
        states = warm_steps(rates, wakes, start_s)
        spans = [
            (index, *span)
            for index, each in enumerate(states)
            for span in plan(each, start_s).warm_s
        ]
        gap, begin, end = (np.array(part) for part in zip(*spans, strict=True))
        return Warm(gap, begin.astype(np.float64), end.astype(np.float64))


@dataclass
class Foresight:
    """What is foreseen of gaps at their beginning; the last answer is kept for other prices.

    Args:
        cold_start_s: How long a start takes.
        blend: How experts are weighted.
    """

    cold_start_s: float
    blend: Blend
    _service: Service | None = None
    _known: History | None = None
    _asked: Gaps | None = None
    _answer: tuple[Floats, Floats] = field(default_factory=lambda: (np.zeros(0), np.zeros(0)))

    def of(self, service: Service, asked: Gaps) -> tuple[Floats, Floats]:
        """Hazards, shape (gaps, steps), and sizes of bursts, shape (gaps,)."""
        if self._known is None or self._service is not service:
            self._service, self._asked = service, None
            until_s = service.scored.end_s
            self._known = history(demand(service, until_s), self.cold_start_s)
        if self._asked is not asked:
            self._asked = asked
            rates = self.blend.rates(self._known, asked.begin_s, lately(service, asked.begin_s))
            self._answer = rates, expected_bursts(self._known.gaps, asked.begin_s)
        return self._answer


def lately(service: Service, at_s: Floats) -> Floats:
    """Requests in the last minutes before each time, and at it."""
    time_s, total = service.requests.time_s, np.r_[0.0, np.cumsum(service.requests.requests)]
    until = total[np.searchsorted(time_s, at_s, side="right")]
    counts: Floats = until - total[np.searchsorted(time_s, at_s - LATELY_S)]
    return counts


def demand(service: Service, until_s: float) -> Demand:
    """What a metrics server would have recorded of a service until a time."""
    bins = int(until_s // BIN_S)
    which = (service.requests.time_s // BIN_S).astype(np.int64)
    early = which < bins
    counts = np.bincount(which[early], weights=service.requests.requests[early], minlength=bins)
    middle = BIN_S * (np.arange(bins) + 0.5)
    known = np.ones(bins, dtype=np.bool_)
    for begin, end in service.learnt.holes:
        known &= (middle < begin) | (middle >= end)
    return Demand(0.0, BIN_S, np.where(known, counts, 0.0), np.zeros(bins), known)
