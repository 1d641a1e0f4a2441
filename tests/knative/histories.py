"""Random lives of an autoscaler, from quiet to absurd."""

from dataclasses import dataclass
from random import Random
from typing import Any

from pilotlight_autoscaler.kpa.annotations import GROUP

SECONDS = 1_000_000_000
LONG_AGO, FAR_AHEAD = 1_000_000_000.0, 4_100_000_000.0
"""Knative reads the clock when a window changes its length: records are either long outdated
then, or surely not."""


@dataclass(frozen=True)
class Settings:
    """What a cluster and a revision say."""

    cluster: dict[str, str]
    annotations: dict[str, str]
    container_concurrency: int
    reachable: bool

    def question(self) -> dict[str, Any]:
        """As the twin reads it."""
        return {
            "Cluster": self.cluster,
            "Annotations": self.annotations,
            "ContainerConcurrency": self.container_concurrency,
            "Reachable": self.reachable,
        }


@dataclass(frozen=True)
class Record:
    """A statistic: concurrency, proxied, requests, proxied."""

    now_s: float
    stat: tuple[float, float, float, float]


@dataclass(frozen=True)
class Look:
    """A tick, or a poke."""

    now_s: float
    ready: int


@dataclass(frozen=True)
class Change:
    """Other settings."""

    now_s: float
    settings: Settings


@dataclass(frozen=True)
class History:
    """One life."""

    settings: Settings
    start_s: float
    ready: int
    steps: tuple[Record | Look | Change, ...]


def some(random: Random, chances: dict[str, tuple[float, Any]]) -> dict[str, str]:
    """Each key with its chance, and one of its values."""
    return {
        key: str(random.choice(values))
        for key, (chance, values) in chances.items()
        if random.random() < chance
    }


def settings(random: Random) -> Settings:
    """Any that Knative's webhook would let pass."""
    cluster = some(
        random,
        {
            "max-scale-up-rate": (0.5, [1.1, 1.5, 2, 10, 1000, 1e6]),
            "max-scale-down-rate": (0.5, [1.1, 2, 3.7, 100]),
            "target-burst-capacity": (0.3, [0, -1, 1, 33.3, 200]),
            "panic-window-percentage": (0.2, [1, 5, 33.4, 100]),
            "panic-threshold-percentage": (0.2, [50, 110, 300, 1000]),
            "stable-window": (0.2, ["6s", "20s", "1m0s"]),
            "scale-down-delay": (0.1, ["0s", "15s"]),
            "container-concurrency-target-percentage": (0.2, [0.3, 70, 85, 100]),
            "container-concurrency-target-default": (0.2, [1, 3, 50]),
            "requests-per-second-target-default": (0.2, [0.5, 10, 333]),
            "initial-scale": (0.2, [1, 2, 5]),
        },
    )
    own = some(
        random,
        {
            "metric": (0.3, ["rps", "concurrency"]),
            "metric-aggregation-algorithm": (
                0.3,
                ["weighted-exponential", "weightedExponential", "linear"],
            ),
            "target": (0.5, [0.01, 0.1, 1, 3, 7.7, 100, 1e5]),
            "target-utilization-percentage": (0.4, [1, 50, 70, 99.9, 100]),
            "target-burst-capacity": (0.4, [-1, 0, 0.5, 5, 100, 1e10]),
            "window": (0.6, ["6s", "7s", "10s", "25s", "41s", "60s", "1m15s", "10m", "1h"]),
            "panic-window-percentage": (0.4, [1, 10, 12.5, 50, 100]),
            "panic-threshold-percentage": (0.4, [110, 150, 200, 1000]),
            "scale-down-delay": (0.3, ["1s", "2s", "5s", "30s", "1m"]),
            "activation-scale": (0.3, [2, 3, 10]),
            "initial-scale": (0.1, [0, 1, 3, "two"]),
        },
    )
    return Settings(
        cluster,
        {GROUP + key: value for key, value in own.items()},
        random.choice((0, 0, 1, 10, 100)),
        random.random() < 0.85,
    )


def changed(random: Random, before: Settings) -> Settings:
    """Another cluster, reachability and windows; the metric and its average stay."""
    kept = {
        key: value
        for key, value in before.annotations.items()
        if "metric" in key or random.random() < 0.6
    }
    fresh = settings(random)
    windows = {key: value for key, value in fresh.annotations.items() if "metric" not in key}
    return Settings(fresh.cluster, windows | kept, before.container_concurrency, fresh.reachable)


LEVELS = (0.0, 0.0, 1.0, 3.0, 10.0, 70.0, 100.0, 1000.0)
ODD_LEVELS = (1e-9, 1e-6, 5e-7, 0.333, 1e6, 1e9, 1e12, 1e15, 1e300)


def statistic(random: Random, level: float) -> tuple[float, float, float, float]:
    """About as much as the level says."""
    concurrency = level * random.choice((1.0, random.random(), random.uniform(0.5, 1.5)))
    requests = level * random.choice((1.0, random.random() * 5))
    if random.random() < 0.6:
        return concurrency, 0.0, requests, 0.0
    share = random.choice((1.0, random.random(), 1.1))
    return concurrency, concurrency * share, requests, requests * share


def history(random: Random) -> History:
    """A life of one to five minutes: levels, gaps, bursts, late statistics, pokes, changes."""
    start_s = random.choice((LONG_AGO, FAR_AHEAD)) + random.choice((0.0, random.random() * 1e6))
    first = own = settings(random)
    ready = start_ready = random.choice((0, 0, 1, 2, 3, 10, 100))
    now_s, steps = start_s, list[Record | Look | Change]()
    end_s = start_s + random.choice((30, 90, 200))
    while now_s < end_s:
        level = random.choice(ODD_LEVELS if random.random() < 0.06 else LEVELS)
        silent = random.random() < 0.2
        for _ in range(random.choice((1, 3, 8, 20, 70 if silent else 30))):
            now_s += random.choice((1.0, 1.0, 1.0, 0.5, random.random() * 3))
            if not silent:
                late_s = random.random() * 80 if random.random() < 0.02 else 0.0
                steps.append(Record(now_s - late_s, statistic(random, level)))
            if random.random() < 0.5:
                now_s += random.choice((0.0, random.random()))
                steps.append(Look(now_s, ready))
                if random.random() < 0.3:
                    ready = max(0, ready + random.choice((-2, -1, 1, 2, 5)))
        if random.random() < 0.05:
            own = changed(random, own)
            steps.append(Change(now_s, own))
    return History(first, start_s, start_ready, tuple(steps))
