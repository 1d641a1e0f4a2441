"""All policies with all their parameters, on the services of one trace."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.study.gaps import join
from pilotlight_autoscaler.study.policy import Policy
from pilotlight_autoscaler.study.population import Population, Service
from pilotlight_autoscaler.study.score import clairvoyant_s, score
from pilotlight_autoscaler.study.warm import Indices, Warm, both


@dataclass(frozen=True)
class Week:
    """Means over the draws of each service; all arrays have the shape (settings, services).

    Args:
        idle_s: Replica-seconds without work.
        wakes: Gaps that ended at no ready replica.
        affected: Requests that waited because no replica was ready.
    """

    idle_s: Floats
    wakes: Floats
    affected: Floats


def compare(
    population: Population, policies: Sequence[Policy], cold_start_s: float
) -> tuple[Week, Week]:
    """What each policy came to in the learning week, and after it.

    Args:
        population: On whom.
        policies: In the order of the settings in the result.
        cold_start_s: How long a start takes.
    """
    grouped = [list(draws) for _, draws in groupby(population.services, key=lambda s: s.name)]
    weeks = []
    for learning in (True, False):
        # (services, settings, 3)
        sums = np.array([_sums(draws, policies, learning, cold_start_s) for draws in grouped])
        weeks.append(Week(*(sums[:, :, figure].T for figure in range(3))))
    return weeks[0], weeks[1]


def clairvoyant(population: Population, cold_start_s: float) -> tuple[float, float]:
    """The cost to one who knew the future, in the learning week and after it: mean over draws."""
    seeds = len({service.seed for service in population.services})
    first = sum(
        clairvoyant_s(each.learning, each.learnt, cold_start_s).sum()
        for each in population.services
    )
    second = sum(
        clairvoyant_s(each.scoring, each.scored, cold_start_s).sum() for each in population.services
    )
    return float(first) / seeds, float(second) / seeds


def _sums(
    draws: list[Service], policies: Sequence[Policy], learning: bool, cold_start_s: float
) -> Floats:
    """Figures of one service, shape (settings, 3)."""
    asked = [draw.learning if learning else draw.scoring for draw in draws]
    nothing = [draw.learning[:0] for draw in draws]
    before = nothing if learning else [draw.learning for draw in draws]
    record = draws[0].learnt if learning else draws[0].scored
    # Each draw is asked by all policies in turn: they may share what they learn of it.
    plans = [
        [policy.plan(draw, earlier, gaps) for policy in policies]
        for draw, earlier, gaps in zip(draws, before, asked, strict=True)
    ]
    whole, starts = join(asked), np.cumsum([0, *map(len, asked)])
    found = np.empty((len(policies), 3))
    for index in range(len(policies)):
        warm = _side_by_side([plan[index] for plan in plans], starts)
        figures = score(whole, warm, record, cold_start_s)
        found[index] = figures.idle_s.sum(), figures.wakes.sum(), figures.affected.sum()
    return found / len(draws)


def _side_by_side(plans: list[Warm], starts: Indices) -> Warm:
    return both(*(plan.shifted(int(start)) for plan, start in zip(plans, starts, strict=False)))
