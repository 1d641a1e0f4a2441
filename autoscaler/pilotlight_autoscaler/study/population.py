"""The services of a trace that sleep often enough to be learnt from.

A ServeGen client is a caller of one model. Here each stands for a service of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from pilotlight.errors import UsageError
from pilotlight_autoscaler.study.gaps import Gaps, Record, find
from pilotlight_autoscaler.traffic import servegen
from pilotlight_autoscaler.traffic.arrivals import Batches, Edges, batches, rounded
from pilotlight_autoscaler.traffic.servegen import WINDOW_S, Client

WEEK_S = 7 * 86400.0
LONG_GAP_S, LONG_GAPS = 300.0, 14
_STEP_S = 10.0
# Seed of the clocks' phases.
_PHASES = 600


class Clock(StrEnum):
    """Whether the windows of a trace lie on the clock's tens of minutes.

    A trace that tells times in windows of ten minutes teaches whoever plans in tens of minutes
    where its windows begin, jitter or not. Shifted, each service's times are moved by a time of
    its own, under ten minutes: what is learnt then is the service's, not the recorder's. What
    people do at full hours is moved as well.
    """

    TRACE = "trace"
    SHIFTED = "shifted"


@dataclass(frozen=True)
class Service:
    """One service, drawn once.

    Args:
        name: The client's.
        seed: Of the draw.
        requests: All of them, in steps of 10 s, each at its begin.
        learning: The first week's gaps, as known at its end.
        scoring: Those that end, or are open, after it.
        learnt: The first week's record.
        scored: The record of what came after it.
    """

    name: str
    seed: int
    requests: Batches
    learning: Gaps
    scoring: Gaps
    learnt: Record
    scored: Record


@dataclass(frozen=True)
class Population:
    """Who is compared on.

    Args:
        trace: The file's name.
        services: Name by name, all draws of one together.
        others: Names of those that hardly sleep, with the long gaps of their learning week.
        hole_hours: Without a record.
    """

    trace: str
    services: tuple[Service, ...]
    others: dict[str, float]
    hole_hours: float


def read(
    path: Path, seeds: Sequence[int], edges: Edges = Edges.UNIFORM, clock: Clock = Clock.TRACE
) -> Population:
    """The services with at least 14 gaps of over 5 minutes in the learning week.

    Args:
        path: A ServeGen trace.
        seeds: Of the jitter; gaps are counted on the mean over all of them.
        edges: Of activity within its windows.
        clock: Whether windows begin at whole tens of minutes.

    Raises:
        UsageError: The file is no such trace, is too short, or no service sleeps so often.
    """
    clients = servegen.read(path)
    holes, end_s = servegen.holes(clients), servegen.end_s(clients)
    if end_s <= WEEK_S:
        raise UsageError(f"{path} ends at {end_s:g} s: there is nothing after the learning week")
    chosen: list[Service] = []
    others: dict[str, float] = {}
    for index, client in enumerate(clients):
        whole = _shifted(Record(0.0, end_s, holes), _phase(index) if clock is Clock.SHIFTED else 0)
        draws = [batches(client, np.random.default_rng([seed, index]), edges) for seed in seeds]
        drawn = [
            _service(client, seed, draw, whole) for seed, draw in zip(seeds, draws, strict=True)
        ]
        long = float(np.mean([_long_gaps(service.learning) for service in drawn]))
        if long >= LONG_GAPS:
            chosen += drawn
        else:
            others[client.name] = long
    if not chosen:
        raise UsageError(f"{path}: no client has {LONG_GAPS} gaps over 5 minutes in its first week")
    hours = float(np.diff(holes, axis=1).sum()) / 3600
    return Population(path.name, tuple(chosen), others, hours)


def _service(client: Client, seed: int, drawn: Batches, whole: Record) -> Service:
    moved = Batches(drawn.time_s + whole.begin_s, drawn.requests)
    gaps = find(moved, whole)
    return Service(
        client.name,
        seed,
        rounded(moved, _STEP_S),
        gaps.before(WEEK_S),
        gaps.after(WEEK_S),
        Record(whole.begin_s, WEEK_S, whole.holes),
        Record(WEEK_S, whole.end_s, whole.holes),
    )


def _phase(index: int) -> float:
    """Of one service's clock, in seconds: the same in all draws."""
    return float(np.random.default_rng([_PHASES, index]).uniform(0.0, WINDOW_S))


def _shifted(record: Record, by_s: float) -> Record:
    return Record(record.begin_s + by_s, record.end_s + by_s, record.holes + by_s)


def _long_gaps(gaps: Gaps) -> int:
    return int(((gaps.length_s > LONG_GAP_S) & gaps.ended).sum())
