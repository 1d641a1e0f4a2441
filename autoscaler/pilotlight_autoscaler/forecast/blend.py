"""One hazard out of many experts: a log-linear blend whose weights are learnt over services.

The logarithm of the blended rate is linear in the experts' logarithms, with weights that may
change with the logarithm of the age: age tells more early, the clock more late. The weights
maximise the likelihood of past idle times (a piecewise exponential model, which is a Poisson
regression on the steps survived; Friedman, Annals of Statistics 10, 1982), less a penalty for
distance from a prior.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from pilotlight.errors import UsageError
from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.forecast.ages import (
    CLASSES_S,
    FIRST_S,
    HOUR_S,
    SLEEP_S,
    SMOOTH,
    edges_s,
)
from pilotlight_autoscaler.forecast.experts import EXPERTS, PAUSE_EXPERTS, hazards, pause_hazards
from pilotlight_autoscaler.forecast.history import History

_FEWEST, _MOST = np.log(1e-4), np.log(400.0)
"""Bounds of a rate per hour: one in a year, and one in nine seconds."""


AT_ONCE = 64
"""Times that are looked at together: each takes half a megabyte."""
PENALTY = 20.0
"""Precision of the prior of each weight."""

_Rows = tuple[Floats, Floats, Floats]
"""Columns, whether the idle time ended in the step, hours it spent in it."""


@dataclass(frozen=True, eq=False)
class Blend:
    """What services have in common.

    Args:
        weights: Of the columns of :func:`_columns`, shape (2 * experts + 3,).
        population: Rates per hour by class of age, shape (classes,).
        pauses: Of the columns of :func:`_pause_columns`, shape (pause experts + 2,).
    """

    weights: Floats
    population: Floats
    pauses: Floats

    def rates(self, history: History, at_s: Floats, lately: Floats) -> Floats:
        """Hazard of the next request per hour, shape (times, steps).

        Args:
            history: What is known of the service.
            at_s: When the idle times begin, shape (times,).
            lately: Requests in the time before each (LATELY_S); NaN: not known.
        """
        if len(at_s) > AT_ONCE:
            parts = [slice(i, i + AT_ONCE) for i in range(0, len(at_s), AT_ONCE)]
            return np.concatenate([self.rates(history, at_s[p], lately[p]) for p in parts])
        columns = _columns(hazards(history, self.population, at_s, lately), edges_s(at_s))
        logs = columns @ self.weights
        pauses = _pause_columns(pause_hazards(history, at_s, lately), lately)
        logs[:, 0] = pauses @ self.pauses
        rates: Floats = np.exp(np.clip(logs, _FEWEST, _MOST))
        return rates


def _columns(logs: Floats, edges: Floats) -> Floats:
    """Terms of the blend, shape (times, steps, 2 * experts + 3)."""
    experts = np.moveaxis(logs, 1, 2)
    age = np.log((edges[:, 1:] + edges[:, :-1]) / 2 / HOUR_S)[:, :, None]
    return np.concatenate([np.ones_like(age), experts, age, age**2, experts * age * 0.5], axis=2)


def _pause_columns(logs: Floats, lately: Floats) -> Floats:
    """Terms of the blend before sleep, shape (times, pause experts + 2)."""
    traffic = np.log1p(np.nan_to_num(lately))[:, None] / 5.0
    return np.concatenate([np.ones_like(traffic), logs, traffic], axis=1)


@cache
def shipped() -> Blend:
    """The blend that comes with the package (``pilotlight warmpool blend`` makes it)."""
    return from_json(files(__package__).joinpath("blend.json").read_text())


def to_json(blend: Blend) -> str:
    """As text, names beside numbers."""
    names = ["one", *EXPERTS, "log age", "log age^2", *(f"{name} * log age/2" for name in EXPERTS)]
    before_sleep = ["one", *PAUSE_EXPERTS, "log traffic/5"]
    return json.dumps(
        {
            "weights": _named(names, blend.weights),
            "pauses": _named(before_sleep, blend.pauses),
            "population": [round(float(rate), 4) for rate in blend.population],
        },
        indent=1,
    )


def _named(names: list[str], weights: Floats) -> dict[str, float]:
    return {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True)}


def from_json(text: str) -> Blend:
    """What :func:`to_json` wrote."""
    read = json.loads(text)
    weights, pauses = (np.array(list(read[name].values())) for name in ("weights", "pauses"))
    return Blend(weights, np.array(read["population"]), pauses)


def read(path: Path) -> Blend:
    """A blend from a file that ``pilotlight warmpool blend`` wrote.

    Raises:
        UsageError: It cannot be read, or is something else.
    """
    try:
        blend = from_json(path.read_text())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is no blend: {error}: write one with warmpool blend") from error
    if len(blend.weights) != 2 * len(EXPERTS) + 3 or len(blend.pauses) != len(PAUSE_EXPERTS) + 2:
        raise UsageError(f"{path} weighs other experts: write it anew with warmpool blend")
    return blend


def learn_blend(
    histories: Sequence[History],
    since_s: float,
    prior: Blend | None = None,
    penalty: float = PENALTY,
) -> Blend:
    """Learn what services have in common.

    Args:
        histories: Of all services.
        since_s: Idle times that began before it only teach the experts.
        prior: Where the weights are drawn to; to zero, if there is none.
        penalty: Precision of the prior.
    """
    population = _population(histories, prior)
    sleeps = [_rows(history, population, since_s) for history in histories]
    pauses = [_pause_rows(history, since_s) for history in histories]
    start = prior.weights if prior else np.zeros(2 * len(EXPERTS) + 3)
    pause_start = prior.pauses if prior else np.zeros(len(PAUSE_EXPERTS) + 2)
    return Blend(
        _poisson(sleeps, start, penalty), population, _poisson(pauses, pause_start, penalty)
    )


def _population(histories: Sequence[History], prior: Blend | None) -> Floats:
    """Ends per hour by class of age; services weigh by the root of their number of gaps."""
    ends, hours = np.zeros(len(CLASSES_S) - 1), np.zeros(len(CLASSES_S) - 1)
    for gaps in (history.gaps for history in histories):
        weight = max(len(gaps.length_s), 1) ** -0.5
        ends += weight * np.histogram(gaps.length_s[gaps.ended], CLASSES_S)[0]
        spent = np.clip(gaps.length_s[:, None] - CLASSES_S[None, :-1], 0.0, np.diff(CLASSES_S))
        hours += weight * spent.sum(axis=0) / HOUR_S
    expected = prior.population if prior else np.ones(len(ends))
    rates: Floats = (SMOOTH @ ends + 0.1) / (SMOOTH @ hours + 0.1 / expected)
    return rates


def _rows(history: History, population: Floats, since_s: float) -> _Rows:
    """Steps survived by the idle times: columns, whether the end came there, hours in it."""
    gaps = history.gaps
    chosen = gaps.start_s >= since_s
    at_s, before = gaps.start_s[chosen], gaps.before[chosen]
    edges = edges_s(at_s)
    columns = _columns(hazards(history, population, at_s, before), edges)
    length, ended = gaps.length_s[chosen, None], gaps.ended[chosen, None]
    hours = np.clip(length - edges[:, :-1], 0.0, np.diff(edges)) / HOUR_S
    ends = ended & (length >= edges[:, :-1]) & (length < edges[:, 1:])
    use = (hours > 0) & (edges[:, :-1] >= SLEEP_S)
    return columns[use], ends[use].astype(np.float64), hours[use]


def _pause_rows(history: History, since_s: float) -> _Rows:
    pauses = history.pauses
    start_s = pauses.over_s - pauses.length_s
    chosen = start_s >= since_s
    at_s, before, length = (v[chosen] for v in (start_s, pauses.before, pauses.length_s))
    columns = _pause_columns(pause_hazards(history, at_s, before), before)
    hours = np.maximum(length - FIRST_S, 1.0) / HOUR_S
    return columns, (length < SLEEP_S).astype(np.float64), hours


def _poisson(rows: Sequence[_Rows], start: Floats, penalty: float) -> Floats:
    """The weights of the greatest penalised likelihood: Newton's method, steps bounded."""
    columns, ends, hours = (np.concatenate(part) for part in zip(*rows, strict=True))
    weights = start.copy()
    for _ in range(40):
        mean = np.exp(np.clip(columns @ weights, -12.0, 8.0)) * hours
        slope = columns.T @ (ends - mean) - penalty * (weights - start)
        bend = (columns * mean[:, None]).T @ columns + penalty * np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        weights = weights + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-6:
            break
    return weights
