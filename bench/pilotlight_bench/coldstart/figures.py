"""From starts to headline figures and tables."""

import math
import statistics
from collections.abc import Sequence

from pilotlight_bench.coldstart.benchmark import OURS, PLAIN, PLAIN_NO_BYTECODE, Start
from pilotlight_bench.contention import warning
from pilotlight_bench.quantiles import ratio
from pilotlight_bench.report import Table


def headline(starts: Sequence[Start]) -> dict[str, float | None]:
    """Medians, and ours over plain vLLM's."""
    ours, plain, bare = (median_s(starts, peer) for peer in (OURS, PLAIN, PLAIN_NO_BYTECODE))
    return {
        "ratio": ratio(ours, plain),
        "ours_s": ours,
        "plain_s": plain,
        "plain_no_bytecode_s": None if math.isnan(bare) else bare,
    }


def median_s(starts: Sequence[Start], peer: str) -> float:
    """A peer's median start, in seconds; NaN without any."""
    seconds = [start.seconds for start in starts if start.peer == peer]
    return statistics.median(seconds) if seconds else math.nan


def starts_table(starts: Sequence[Start]) -> Table:
    """The starts of each peer."""
    rows = []
    for peer in dict.fromkeys(start.peer for start in starts):
        seconds = [start.seconds for start in starts if start.peer == peer]
        figures = (statistics.median(seconds), min(seconds), max(seconds))
        rows.append([peer, str(len(seconds)), *(f"{figure:.2f}" for figure in figures)])
    return Table(
        title="From exec to the first answer, seconds",
        columns=["", "starts", "median", "least", "most"],
        rows=rows,
        note="page cache warm; a greedy completion of 8 tokens, the same text everywhere"
        + warning(start.other_cores for start in starts),
    )


def phases_table(starts: Sequence[Start]) -> Table | None:
    """Where the time goes, as the predictor itself tells; None when it does not."""
    phases = [start.phases for start in starts if start.phases]
    if not phases:
        return None
    names = dict.fromkeys(name for one in phases for name in one)
    rows = [
        [name, f"{statistics.median(one[name] for one in phases if name in one):.2f}"]
        for name in names
    ]
    return Table(title=f"Phases of {OURS}'s start, seconds", columns=["", "median"], rows=rows)
