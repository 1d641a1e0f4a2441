"""Requests and their outcomes, drawn for many rollouts at a time."""

import numpy as np

from pilotlight_canary.metrics.history import Cell, dispersion
from pilotlight_canary.simulation.scenario import Scenario, Trial
from pilotlight_canary.statistics.floats import Floats
from pilotlight_canary.statistics.ratio import Tables

# Stable's, in the history: a burst is one pod's.
_PODS = 10
_NAMES = tuple(f"pod-{index}" for index in range(_PODS))


class Traffic:
    """The requests of so many rollouts.

    Args:
        scenario: What is drawn.
        runs: How many rollouts.
        random: The source of chance.
    """

    def __init__(self, scenario: Scenario, runs: int, random: np.random.Generator) -> None:
        self._scenario, self._runs, self._random = scenario, runs, random
        self._phase = random.random(runs)
        strata = scenario.strata
        self._stable_mix = np.array([stratum.stable for stratum in strata])
        self._canary_mix = np.array([stratum.canary for stratum in strata])
        self._factor = np.array([stratum.factor for stratum in strata])
        self._canary_factor = self._factor * [stratum.canary_factor for stratum in strata]
        shape = (len(scenario.trials), 2, runs, len(strata))
        self._failing = np.zeros(shape)

    def arrivals(self, weight: Floats) -> tuple[Floats, Floats]:
        """Requests of canary and stable until the next look, (runs, strata) each."""
        share = weight[:, None] / 100
        if not self._scenario.per_look:
            stable = self._random.geometric(share, (self._runs, 1)) - 1
            return np.ones((self._runs, 1)), stable.astype(np.float64)
        n = self._scenario.per_look
        canary = self._random.poisson(n * share * self._canary_mix)
        stable = self._random.poisson(n * (1 - share) * self._stable_mix)
        return canary.astype(np.float64), stable.astype(np.float64)

    def outcomes(self, look: int, canary: Floats, stable: Floats) -> list[Tables]:
        """What became of them, by check."""
        level = self._scenario.level(look, self._phase)[:, None]
        tables = []
        for index, trial in enumerate(self._scenario.trials):
            share_s, share_c = trial.shares(look / self._scenario.looks)
            p_c = np.minimum(share_c * level * self._canary_factor, 1.0)
            p_s = np.minimum(share_s * level * self._factor, 1.0)
            failing = self._failing[index]
            bad_c, bad_s = self._bad(canary, p_c, failing[0]), self._bad(stable, p_s, failing[1])
            tables.append(Tables(bad_c, canary, bad_s, stable))
        return tables

    def dispersions(self, trial: Trial) -> Floats:
        """What stable's own past says of bursts, by rollout; shape (runs, 1)."""
        looks = self._scenario.history
        if not looks:
            return np.ones((self._runs, 1))
        n = self._scenario.per_look / _PODS
        shape = (self._runs, _PODS)
        failing, share = np.zeros(shape), np.full(shape, trial.stable)
        past: list[list[dict[str, Cell]]] = [[] for _ in range(self._runs)]
        for _ in range(looks):
            total = self._random.poisson(n, shape).astype(np.float64)
            bad = self._bad(total, share, failing)
            for run, row in enumerate(past):
                counted = zip(_NAMES, bad[run].tolist(), total[run].tolist(), strict=True)
                row.append({name: (some, all_) for name, some, all_ in counted})
        return np.array([[dispersion(rows) or 1.0] for rows in past])

    def _bad(self, total: Floats, share: Floats, failing: Floats) -> Floats:
        """Failures; a burst that has not ended goes on at the next look, as ``failing`` says."""
        burst = self._scenario.burst
        if burst == 1:
            return self._random.binomial(total.astype(np.int64), share).astype(np.float64)
        begun = self._random.binomial(total.astype(np.int64), share / burst) * burst
        failing += begun
        bad = np.minimum(failing, total)
        failing -= bad
        return np.asarray(bad, dtype=np.float64)
