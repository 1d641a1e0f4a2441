"""From simulations to headline figures and a table."""

from collections.abc import Sequence

from pilotlight_bench.report import Table
from pilotlight_bench.result import Row
from pilotlight_bench.simulator.study import EACH, RATES

MILLION = 1_000_000


def headline(rows: Sequence[Row]) -> dict[str, float | None]:
    """The slowest scenario, and the greatest error of advancing busy stretches as rates."""
    pairs = [
        (one, other)
        for one in rows
        for other in rows
        if one["way"] == EACH and other["way"] == RATES and one["scenario"] == other["scenario"]
    ]
    return {
        "seconds_per_million": max(per_million(row) for row in rows if row["way"] == EACH),
        "shortcut_replica_error": _worst(pairs, "replica_hours"),
        "shortcut_affected_error": _worst(pairs, "affected"),
    }


def _worst(pairs: Sequence[tuple[Row, Row]], figure: str) -> float | None:
    return max((_error(*pair, figure) for pair in pairs), default=None)


def per_million(row: Row) -> float:
    """Seconds of a core for a million requests."""
    return float(row["simulation_s"]) * MILLION / max(1, int(row["requests"]))


def table(rows: Sequence[Row]) -> Table:
    """A line for each simulation."""
    return Table(
        title="Simulations of one service under Knative's default",
        columns=[
            "", "way", "requests", "s per million", "affected", "wakes", "starts", "replica-hours",
        ],
        rows=[_cells(row) for row in rows],
        note="seconds are those of one core, without reading the file",
    )  # fmt: skip


def _cells(row: Row) -> list[str]:
    return [
        row["scenario"],
        row["way"],
        f"{row['requests']:,}",
        f"{per_million(row):.2f}",
        f"{row['affected']:,}",
        f"{row['wakes']:,}",
        f"{row['starts']:,}",
        f"{row['replica_hours']:,.1f}",
    ]


def _error(whole: Row, short: Row, figure: str) -> float:
    """Relative to the simulation of each request."""
    return abs(float(short[figure]) / float(whole[figure]) - 1) if whole[figure] else 0.0
