"""How far the ratios are a matter of which services a trace happens to hold."""

from collections.abc import Sequence

import numpy as np

from pilotlight_bench.warmpool.comparison import FIGURES, Point, compare, geometric_mean
from pilotlight_bench.warmpool.study import Study


def intervals(studies: Sequence[Study], rounds: int, seed: int) -> dict[str, tuple[float, float]]:
    """The middle 95 % of the geometric means, with services of each trace drawn with replacement.

    Parameters are chosen anew in each round, on the learning week of the services drawn.

    Args:
        studies: One per trace.
        rounds: How many draws.
        seed: Of the draws.
    """
    random = np.random.default_rng(seed)
    means: dict[str, list[float]] = {name: [] for name in FIGURES}
    for _ in range(rounds):
        points: list[Point] = []
        for study in studies:
            count = len(study.services)
            weights = random.multinomial(count, np.full(count, 1.0 / count)).astype(np.float64)
            points += compare(study, weights)
        for name, found in means.items():
            ratios = [ratio for point in points if (ratio := point.ratios().get(name)) is not None]
            mean = geometric_mean(ratios)
            if np.isfinite(mean):
                found.append(mean)
    return {
        name: (float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975)))
        for name, found in means.items()
        if found
    }
