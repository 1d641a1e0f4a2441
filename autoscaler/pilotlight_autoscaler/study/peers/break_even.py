"""Keep-alives that follow from the price of a wake (ski rental).

To keep for as long as a wake costs is 2-competitive, and is retention of that length. Drawn at
random with density exp(x/b) / (b (e - 1)) on [0, b] it is e/(e-1)-competitive in expectation
(Karlin, Manasse, McGeoch, Owicki 1994). Told the gaps of a week, the keep-alive that would have
been cheapest on them is the best fixed one for a service.
"""

import math
from dataclasses import dataclass

import numpy as np

from pilotlight_autoscaler.study.gaps import KEPT_S, Gaps
from pilotlight_autoscaler.study.policy import Family, Setting
from pilotlight_autoscaler.study.population import Service
from pilotlight_autoscaler.study.warm import Warm, keep

WAKES_S = tuple(float(60 * m) for m in (
    1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 19, 24, 30, 38, 48, 60, 76, 95, 120, 151, 190, 240, 302, 380,
    480, 600, 760, 960, 1440, 2880,
))  # fmt: skip
"""Prices of a wake, in replica-seconds, that a parameter is chosen from."""

_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True)
class BreakEven:
    """Keeps until the replica has cost as much as a wake."""

    wake_s: float

    def plan(self, service: Service, before: Gaps, asked: Gaps) -> Warm:
        """The same for every gap."""
        return keep(np.full(len(asked), KEPT_S + self.wake_s))


@dataclass(frozen=True)
class Randomised:
    """Keeps for a time drawn anew for each gap."""

    wake_s: float

    def plan(self, service: Service, before: Gaps, asked: Gaps) -> Warm:
        """By inversion; the draws are a golden-ratio sequence, more even than chance."""
        draws = (service.seed * 0.618 + _GOLDEN * np.arange(1, len(asked) + 1)) % 1.0
        return keep(KEPT_S + self.wake_s * np.log1p(draws * (math.e - 1.0)))


@dataclass(frozen=True)
class Learnt:
    """Keeps each service for the time that would have been cheapest in its learning week."""

    wake_s: float

    def plan(self, service: Service, before: Gaps, asked: Gaps) -> Warm:
        """The same for every gap of a service."""
        return keep(np.full(len(asked), cheapest(service.learning, self.wake_s)))


def cheapest(gaps: Gaps, wake_s: float) -> float:
    """The fixed keep-alive with the least idle time plus wakes, in seconds."""
    lengths = np.sort(gaps.length_s[gaps.ended])
    if not len(lengths):
        return KEPT_S
    ages = np.r_[KEPT_S, lengths + 1.0]
    # At the i-th age all shorter gaps are waited out, and the others are paid up to the age.
    waited = np.r_[0.0, np.cumsum(lengths - KEPT_S)]
    left = len(lengths) - np.arange(len(ages))
    return float(ages[np.argmin(waited + left * (ages - KEPT_S + wake_s))])


def break_even() -> Family:
    """The deterministic one."""
    return Family("break-even", _settings(BreakEven))


def randomised() -> Family:
    """The randomised one."""
    return Family("break-even-random", _settings(Randomised))


def learnt() -> Family:
    """The best fixed keep-alive of each service."""
    return Family("keep-alive-learnt", _settings(Learnt))


def _settings(
    kind: type[BreakEven] | type[Randomised] | type[Learnt],
) -> tuple[Setting, ...]:
    return tuple(Setting(kind(wake), {"wake_s": wake}) for wake in WAKES_S)
