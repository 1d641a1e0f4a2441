"""The services of a trace that sleep often enough to be learnt from.

A ServeGen client is a caller of one model. Here each stands for a service of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pilotlight.errors import UsageError
from pilotlight_autoscaler.study.gaps import Gaps, Record, find
from pilotlight_autoscaler.traffic import servegen
from pilotlight_autoscaler.traffic.arrivals import Batches, Edges, batches, rounded
from pilotlight_autoscaler.traffic.servegen import Client

WEEK_S = 7 * 86400.0
LONG_GAP_S, LONG_GAPS = 300.0, 14
_STEP_S = 10.0


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
    path: Path, seeds: Sequence[int], edges: Edges = Edges.FITTED, split_s: float = WEEK_S
) -> Population:
    """The services with at least 14 gaps of over 5 minutes in the learning week.

    Args:
        path: A ServeGen trace.
        seeds: Of the jitter; gaps are counted on the mean over all of them.
        edges: Of activity within its windows.
        split_s: Where learning ends and scoring begins.

    Raises:
        UsageError: The file is no such trace, is too short, or no service sleeps so often.
    """
    clients = servegen.read(path)
    holes, end_s = servegen.holes(clients), servegen.end_s(clients)
    if end_s <= split_s:
        raise UsageError(f"{path} ends at {end_s:g} s: there is nothing after the learning week")
    records = Record(0.0, split_s, holes), Record(split_s, end_s, holes)
    chosen: list[Service] = []
    others: dict[str, float] = {}
    for index, client in enumerate(clients):
        draws = [batches(client, np.random.default_rng([seed, index]), edges) for seed in seeds]
        drawn = [
            _service(client, seed, draw, records) for seed, draw in zip(seeds, draws, strict=True)
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


def _service(client: Client, seed: int, drawn: Batches, records: tuple[Record, Record]) -> Service:
    learnt, scored = records
    gaps = find(drawn, Record(learnt.begin_s, scored.end_s, learnt.holes))
    before, after = gaps.before(scored.begin_s), gaps.after(scored.begin_s)
    seen = rounded(drawn, _STEP_S)
    return Service(client.name, seed, seen, before, after, learnt, scored)


def _long_gaps(gaps: Gaps) -> int:
    return int(((gaps.length_s > LONG_GAP_S) & gaps.ended).sum())
