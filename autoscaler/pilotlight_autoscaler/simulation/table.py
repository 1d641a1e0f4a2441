"""Outcomes as text and as JSON."""

from typing import Any

from pilotlight.api.warmpool import Prices
from pilotlight_autoscaler.simulation.contest import Result

HEADERS = (
    "policy", "affected", "share", "wait P50", "wait P95", "queued", "wakes", "starts",
    "replica-h", "idle h", "cost",
)  # fmt: skip


def document(result: Result, prices: Prices) -> dict[str, Any]:
    """All figures of one policy."""
    found = result.outcome
    return {
        "policy": result.name,
        "requests": found.requests,
        "affected": found.affected,
        "affected_share": found.affected_share,
        "wait_s_median": found.wait_s(0.5),
        "wait_s_p95": found.wait_s(0.95),
        "queued": len(found.queued_s),
        "wakes": found.wakes,
        "starts": len(found.replicas.asked_s),
        "replica_hours": found.replica_s / 3600,
        "starting_hours": found.starting_s / 3600,
        "ready_hours": found.ready_s / 3600,
        "draining_hours": found.draining_s / 3600,
        "idle_hours": found.idle_s() / 3600,
        "cost": result.cost(prices),
        "simulation_s": result.seconds,
    }


def text(results: tuple[Result, ...], prices: Prices) -> str:
    """A line for each policy, under a line of what the figures are."""
    rows = [HEADERS, *(_row(document(result, prices)) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADERS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    return (
        found["policy"],
        f"{found['affected']:,}",
        f"{100 * found['affected_share']:.2f} %",
        f"{found['wait_s_median']:.1f} s",
        f"{found['wait_s_p95']:.1f} s",
        f"{found['queued']:,}",
        f"{found['wakes']:,}",
        f"{found['starts']:,}",
        f"{found['replica_hours']:,.1f}",
        f"{found['idle_hours']:,.1f}",
        f"{found['cost']:,.2f}",
    )
