"""What is simulated: two versions' shares of bad, their traffic, and what disturbs them."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pilotlight_canary.statistics.floats import Floats
from pilotlight_canary.statistics.plan import Check, Plan


class Drift(StrEnum):
    """How both versions' shares of bad move together."""

    NONE = "none"
    WAVE = "wave"
    """Up and down between a third and three times, four times over the rollout."""
    CLIMB = "climb"
    """Steadily to six times as many."""


class Pace(StrEnum):
    """When the next weight is written."""

    TIME = "time"
    """After equal times."""
    EVIDENCE = "evidence"
    """When a promotion has its share of the evidence, as the controller does it."""


@dataclass(frozen=True)
class Trial:
    """A check, and the two versions' true shares of bad.

    Args:
        check: What is allowed.
        stable: At the start.
        canary: At the start.
        later: Stable's and the canary's in the second half, if they change.
    """

    check: Check
    stable: float
    canary: float
    later: tuple[float, float] | None = None

    def shares(self, done: float) -> tuple[float, float]:
        """Stable's and the canary's when so much of the rollout is done, 0 to 1."""
        return self.later if self.later and done >= 0.5 else (self.stable, self.canary)


@dataclass(frozen=True)
class Stratum:
    """A kind of request.

    Args:
        stable: Share of stable's requests.
        canary: Share of the canary's.
        factor: So many times as many are bad, at both versions.
        canary_factor: At the canary, on top of it.
    """

    stable: float = 1.0
    canary: float = 1.0
    factor: float = 1.0
    canary_factor: float = 1.0


@dataclass(frozen=True)
class Scenario:
    """A rollout to be simulated many times.

    Args:
        trials: Checks; their outcomes are independent of each other.
        per_look: Mean number of requests between two looks; 0: a look after every request that
            came to the canary.
        looks: At most so many.
        weights: Percentages, one after the other.
        pace: When the next begins.
        patience: Looks that a step may take by evidence; 0: any number.
        drift: Of both versions' shares of bad.
        strata: Kinds of requests.
        stratified: Whether they are judged apart, as the controller does it.
        burst: So many requests in a row fail at a pod, whenever one does.
        history: Looks at stable before, from which the dispersion is estimated; 0: taken as 1.
        false_rollback: Budget of all checks together.
        missed_regression: Budget of each.
    """

    trials: tuple[Trial, ...]
    per_look: float = 150
    looks: int = 667
    weights: tuple[int, ...] = (10,)
    pace: Pace = Pace.TIME
    patience: int = 0
    drift: Drift = Drift.NONE
    strata: tuple[Stratum, ...] = (Stratum(),)
    stratified: bool = True
    burst: int = 1
    history: int = 0
    false_rollback: float = 0.01
    missed_regression: float = 0.05

    @property
    def plan(self) -> Plan:
        """As the controller would have it."""
        return Plan(
            checks=tuple(trial.check for trial in self.trials),
            strata=self.judged_strata,
            false_rollback=self.false_rollback,
            missed_regression=self.missed_regression,
        )

    @property
    def judged_strata(self) -> int:
        """How many kinds the statistics tell apart."""
        return len(self.strata) if self.stratified else 1

    def level(self, look: int, phase: Floats) -> Floats:
        """Factor on both versions' shares of bad; ``phase`` is each rollout's own, 0 to 1."""
        done = look / self.looks
        if self.drift is Drift.WAVE:
            return np.asarray(3.0 ** np.sin(2 * np.pi * (4 * done + phase)), dtype=np.float64)
        if self.drift is Drift.CLIMB:
            return np.full(phase.shape, 6.0**done)
        return np.ones(phase.shape)
