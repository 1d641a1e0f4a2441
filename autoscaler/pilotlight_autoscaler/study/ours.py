"""Pilotlight's forecast among the policies: the code of production, asked gap by gap."""

from dataclasses import dataclass, field

import numpy as np

from pilotlight_autoscaler.demand import Demand, Floats
from pilotlight_autoscaler.forecast.ages import edges_s
from pilotlight_autoscaler.forecast.blend import Blend, shipped
from pilotlight_autoscaler.forecast.bursts import expected_bursts
from pilotlight_autoscaler.forecast.guard import Account, allowed, opened
from pilotlight_autoscaler.forecast.history import LATELY_S, History, history
from pilotlight_autoscaler.forecast.plan import plan, warm_steps
from pilotlight_autoscaler.study.gaps import Gaps
from pilotlight_autoscaler.study.peers.break_even import WAKES_S
from pilotlight_autoscaler.study.policy import Family, Setting
from pilotlight_autoscaler.study.population import Service
from pilotlight_autoscaler.study.warm import Warm

BIN_S = 60.0
"""Production sees its history in bins of a minute."""

SMALL_BURST, BURST_POWER = 300.0, 0.3
"""The price of a wake grows with (1 + burst / SMALL_BURST) to this power.

To the power of 0 wakes are counted, to the power of 1 people who wait. A power in between serves
both, in traces of whatever size; chosen in the learning weeks.
"""

PRICES_S = WAKES_S[1::2]


def pilotlight(cold_start_s: float, blend: Blend | None = None) -> Family:
    """For all prices of a wake.

    Args:
        cold_start_s: How long a start takes.
        blend: How experts are weighted; the one shipped, if none is given.
    """
    foresight = Foresight(cold_start_s, blend or shipped())
    settings = (Setting(Pilotlight(wake, foresight), {"wake_s": wake}) for wake in PRICES_S)
    return Family("pilotlight", tuple(settings), ours=True)


@dataclass(frozen=True)
class Pilotlight:
    """Keeps and starts where that costs less than waiting is expected to.

    Args:
        wake_s: Price of a wake that hardly anybody meets, in seconds of a warm replica.
        foresight: Shared by all prices.
    """

    wake_s: float
    foresight: "Foresight"

    def plan(self, service: Service, before: Gaps, asked: Gaps) -> Warm:
        """The guarded plan for each gap, from what had been recorded when it began."""
        start_s = self.foresight.cold_start_s
        rates, bursts = self.foresight.of(service, asked)
        wakes = self.wake_s * (1.0 + bursts / SMALL_BURST) ** BURST_POWER + start_s
        edges = edges_s(asked.begin_s)
        states = warm_steps(rates, edges, wakes, start_s)
        spans: list[tuple[int, float, float]] = []
        account: Account | None = None
        rows = zip(states, edges, wakes, asked.length_s, asked.ended, strict=True)
        for index, (row, ages, wake_s, length_s, ended) in enumerate(rows):
            account = account or opened(float(wake_s))
            chosen = allowed(plan(row, ages, start_s), account, float(wake_s))
            account = account.after(chosen, float(wake_s), float(length_s), bool(ended))
            spans += [(index, *span) for span in chosen.warm_s]
        table = np.array(spans, dtype=np.float64).reshape(-1, 3)
        return Warm(table[:, 0].astype(np.intp), table[:, 1], table[:, 2])


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
    known = middle >= service.learnt.begin_s
    for begin, end in service.learnt.holes:
        known &= (middle < begin) | (middle >= end)
    return Demand(0.0, BIN_S, np.where(known, counts, 0.0), np.zeros(bins), known)
