"""From starts on a cluster to headline figures and tables."""

import statistics
from collections.abc import Sequence

from pilotlight_bench.coldstart.benchmark import OURS, PLAIN
from pilotlight_bench.coldstart.on_cluster import ClusterStart
from pilotlight_bench.quantiles import ratio
from pilotlight_bench.report import Table

PEERS = (PLAIN, OURS)


def headline(starts: Sequence[ClusterStart]) -> dict[str, float | None]:
    """Medians, and ours over plain vLLM's."""
    ours, plain = (statistics.median(_seconds(starts, peer)) for peer in (OURS, PLAIN))
    return {"ratio": ratio(ours, plain), "ours_s": ours, "plain_s": plain}


def starts_table(starts: Sequence[ClusterStart]) -> Table:
    """The starts of each peer."""
    rows = []
    for peer in PEERS:
        seconds = _seconds(starts, peer)
        figures = (statistics.median(seconds), min(seconds), max(seconds))
        rows.append([peer, str(len(seconds)), *(f"{figure:.2f}" for figure in figures)])
    return Table(
        title="From a request at zero pods to its first token, seconds",
        columns=["", "starts", "median", "least", "most"],
        rows=rows,
        note="through the gateway; page cache warm; the same text everywhere",
    )


def steps_table(starts: Sequence[ClusterStart]) -> Table:
    """Where the time goes, as seen from outside the pod."""
    names = dict.fromkeys(name for start in starts for name in start.steps)
    rows = [[name, *(_median_step(starts, peer, name) for peer in PEERS)] for name in names]
    return Table(title="Steps of the start, seconds", columns=["median", *PEERS], rows=rows)


def phases_table(starts: Sequence[ClusterStart]) -> Table | None:
    """Where the time of ``boot`` goes, as our server tells; None when it does not."""
    told = [start.phases for start in starts if start.phases]
    names = dict.fromkeys(name for phases in told for name in phases)
    if not names:
        return None
    rows = [
        [name, f"{statistics.median(phases[name] for phases in told if name in phases):.2f}"]
        for name in names
    ]
    return Table(title=f"Phases of {OURS}'s boot, seconds", columns=["", "median"], rows=rows)


def _seconds(starts: Sequence[ClusterStart], peer: str) -> list[float]:
    return [start.seconds for start in starts if start.peer == peer]


def _median_step(starts: Sequence[ClusterStart], peer: str, name: str) -> str:
    seconds = [start.steps[name] for start in starts if start.peer == peer and name in start.steps]
    return f"{statistics.median(seconds):.2f}" if seconds else "-"
