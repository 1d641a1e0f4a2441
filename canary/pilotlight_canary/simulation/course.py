"""The rollouts themselves: the controller's statistics on simulated requests."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pilotlight_canary.simulation.rivals import FailedIntervals, peeked
from pilotlight_canary.simulation.scenario import Pace, Scenario
from pilotlight_canary.simulation.traffic import Traffic
from pilotlight_canary.statistics import process
from pilotlight_canary.statistics.floats import Floats
from pilotlight_canary.statistics.verdict import is_suspect, is_worse, progress

_CHUNK = 1000
_LOOKS_A_MINUTE = 4


@dataclass(frozen=True)
class Ends:
    """When each rollout was decided, which way; ``inf``: not at all. Shape (runs,).

    Args:
        worse: Requests that the canary had got when it was taken back.
        good: When it could have been promoted.
        worse_look: The look at which it was taken back.
        good_look: The look at which it could have been promoted.
    """

    worse: Floats
    good: Floats
    worse_look: Floats
    good_look: Floats

    @property
    def rolled_back(self) -> Floats:
        """1 where it was taken back, and not promoted before."""
        return np.asarray(np.isfinite(self.worse) & (self.worse <= self.good), dtype=np.float64)

    @property
    def promoted(self) -> Floats:
        """1 where it was promoted, and not taken back before."""
        return np.asarray(np.isfinite(self.good) & (self.good < self.worse), dtype=np.float64)


@dataclass
class _Marks:
    """Collects the first time that something was so."""

    at: Floats
    look: Floats

    @classmethod
    def none(cls, runs: int) -> "_Marks":
        return cls(np.full(runs, np.inf), np.full(runs, np.inf))

    def note(self, so: Floats, requests: Floats, look: int) -> None:
        first = (so > 0) & np.isinf(self.at)
        self.at[first], self.look[first] = requests[first], look + 1


def ours(scenario: Scenario, runs: int, seed: int, *, to_the_end: bool) -> Ends:
    """Judge so many rollouts as the controller would.

    Args:
        scenario: What is simulated.
        runs: How many.
        seed: Of the chance.
        to_the_end: Look on after a decision; else it ends when all are decided.
    """
    return _joined(
        _judged(scenario, size, np.random.default_rng([seed, index]), to_the_end=to_the_end)
        for index, size in enumerate(_chunks(runs))
    )


def _judged(
    scenario: Scenario, runs: int, random: np.random.Generator, *, to_the_end: bool
) -> Ends:
    traffic, plan = Traffic(scenario, runs, random), scenario.plan
    strata = scenario.judged_strata
    own = np.full(strata, 1 / strata)
    rules = [
        process.Rule(np.array(t.check.rho), np.array(t.check.tolerance), traffic.dispersions(t))
        for t in scenario.trials
    ]
    states = [process.nothing((runs, strata)) for _ in rules]
    worse, good, steps = _Marks.none(runs), _Marks.none(runs), Steps(scenario, runs)
    requests = np.zeros(runs)
    for look in range(scenario.looks):
        canary, stable = traffic.arrivals(steps.weight(look))
        tables = traffic.outcomes(look, canary, stable)
        if not scenario.stratified:
            tables = [table.summed() for table in tables]
        states = [process.advanced(*each) for each in zip(states, tables, rules, strict=True)]
        logs = [process.evidence_of(s, r, own) for s, r in zip(states, rules, strict=True)]
        requests = requests + canary.sum(axis=-1)
        done = progress(np.stack([log.whole_good for log in logs], axis=-1), plan)
        worse.note(
            is_worse(np.stack([log.whole_worse for log in logs], axis=-1), plan), requests, look
        )
        apart = np.concatenate([log.worse for log in logs], axis=-1)
        suspect = is_suspect(apart, plan) if strata > 1 else np.zeros(runs)
        good.note(np.asarray((done >= 1) & (suspect < 1), dtype=np.float64), requests, look)
        steps.note(done, look)
        decided = np.isfinite(worse.at) | np.isfinite(good.at) | steps.stuck
        if not to_the_end and decided.all():
            break
    return Ends(worse.at, good.at, worse.look, good.look)


class Steps:
    """Which weight each rollout is at."""

    def __init__(self, scenario: Scenario, runs: int) -> None:
        self._scenario = scenario
        self._weights = np.array(scenario.weights, dtype=float)
        self._step = np.zeros(runs, dtype=int)
        self._since = np.zeros(runs)
        self.stuck = np.zeros(runs, dtype=bool)
        """Waited longer than a step may take."""

    def weight(self, look: int) -> Floats:
        """Percentage of each rollout at this look."""
        if self._scenario.pace is Pace.TIME:
            step = look * len(self._weights) // self._scenario.looks
            return np.full(self._step.shape, self._weights[step])
        return np.asarray(self._weights[self._step], dtype=np.float64)

    def note(self, progress: Floats, look: int) -> None:
        """Move on where there is evidence enough; one step at a look, as the controller does."""
        if self._scenario.pace is Pace.TIME:
            return
        last = len(self._weights) - 1
        on = (progress >= (self._step + 1) / len(self._weights)) & (self._step < last)
        self._step = self._step + on
        self._since = np.where(on, look + 1, self._since)
        if self._scenario.patience:
            self.stuck |= look + 1 - self._since >= self._scenario.patience


def fixed_horizon(scenario: Scenario, runs: int, seed: int) -> Ends:
    """The same requests, judged by a test of the pooled counts that is peeked at."""
    return _joined(
        _peeked(scenario, size, np.random.default_rng([seed, index]))
        for index, size in enumerate(_chunks(runs))
    )


def _peeked(scenario: Scenario, runs: int, random: np.random.Generator) -> Ends:
    traffic, steps, worse = (
        Traffic(scenario, runs, random),
        Steps(scenario, runs),
        _Marks.none(runs),
    )
    trial = scenario.trials[0]
    sums = np.zeros((4, runs))
    for look in range(scenario.looks):
        canary, stable = traffic.arrivals(steps.weight(look))
        table = traffic.outcomes(look, canary, stable)[0]
        now = (table.canary_bad, table.canary_total, table.stable_bad, table.stable_total)
        sums = sums + np.array([counts.sum(axis=-1) for counts in now])
        x_c, n_c, x_s, n_s = sums
        found = peeked((x_c, n_c, x_s, n_s), trial.check.rho, scenario.false_rollback)
        worse.note(found, n_c, look)
    never = _Marks.none(runs)
    return Ends(worse.at, never.at, worse.look, never.look)


def failed_intervals(scenario: Scenario, runs: int, seed: int, limit: float) -> Ends:
    """The same service, rolled out by Flagger's rule in Flagger's steps, a look a minute."""
    return _joined(
        _by_intervals(scenario, size, np.random.default_rng([seed, index]), limit)
        for index, size in enumerate(_chunks(runs))
    )


def _by_intervals(scenario: Scenario, runs: int, random: np.random.Generator, limit: float) -> Ends:
    traffic, rule = Traffic(scenario, runs, random), FailedIntervals(runs, limit)
    worse, good, requests = _Marks.none(runs), _Marks.none(runs), np.zeros(runs)
    for look in range(scenario.looks // _LOOKS_A_MINUTE):
        bad, total = np.zeros(runs), np.zeros(runs)
        for part in range(_LOOKS_A_MINUTE):
            canary, stable = traffic.arrivals(rule.weight())
            table = traffic.outcomes(look * _LOOKS_A_MINUTE + part, canary, stable)[0]
            bad = bad + table.canary_bad.sum(axis=-1)
            total = total + canary.sum(axis=-1)
        requests = requests + total
        back, on = rule.look(bad, total)
        worse.note(back, requests, look * _LOOKS_A_MINUTE + 3)
        good.note(on, requests, look * _LOOKS_A_MINUTE + 3)
        if (rule.worse | rule.good).all():
            break
    return Ends(worse.at, good.at, worse.look, good.look)


def _chunks(runs: int) -> list[int]:
    # So many at a time stay in the processor's cache.
    full, rest = divmod(runs, _CHUNK)
    return [_CHUNK] * full + [rest] * (rest > 0)


def _joined(parts: Iterable[Ends]) -> Ends:
    listed = list(parts)
    return Ends(
        np.concatenate([part.worse for part in listed]),
        np.concatenate([part.good for part in listed]),
        np.concatenate([part.worse_look for part in listed]),
        np.concatenate([part.good_look for part in listed]),
    )
