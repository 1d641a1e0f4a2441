"""What the differences of the counters say of each check: bad among all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pilotlight.api.analysis import Metric, TokenBand
from pilotlight.api.rollout_status import Yardsticks
from pilotlight.request_metrics import (
    FIRST_TOKEN_EDGES,
    INFINITY,
    INTER_TOKEN_EDGES,
    STRATA,
    edge_label,
)
from pilotlight_canary.metrics import counters as c
from pilotlight_canary.metrics.edges import merged_stratum
from pilotlight_canary.metrics.snapshot import Counter

Moved: TypeAlias = Mapping[Counter, float]
FIRST_TOKEN_S = 3.0
"""Where neither the spec nor stable's past says what late is."""
INTER_TOKEN_S = 0.15
WHOLE = TokenBand(min=0, max=8192)


@dataclass(frozen=True)
class Share:
    """Bad among all; never more bad than all."""

    bad: int
    total: int


def shares(
    metric: Metric, moved: Moved, yardsticks: Yardsticks, buckets: tuple[int, ...]
) -> dict[str, Share]:
    """A check's share of bad by stratum, from the servers' own counters.

    Args:
        metric: The check; ``errors`` and checks of one's own are counted elsewhere.
        moved: By how much each counter rose.
        yardsticks: The limits, where the spec names none.
        buckets: The spec's strata.
    """
    found: dict[str, tuple[float, float]] = {}
    for label in STRATA:
        bad, total = _share(metric, moved, yardsticks, label)
        stratum = merged_stratum(label, buckets)
        bad_so_far, total_so_far = found.get(stratum, (0.0, 0.0))
        found[stratum] = (bad_so_far + bad, total_so_far + total)
    return {stratum: share(*both) for stratum, both in found.items()}


def _share(metric: Metric, moved: Moved, yardsticks: Yardsticks, label: str) -> tuple[float, float]:
    match metric.name:
        case "ttft":
            limit = edge_label(first_token_limit(metric, yardsticks))
            late = moved.get((c.LATE, label, limit), 0)
            return late, late + moved.get((c.WITHIN, label, limit), 0)
        case "inter-token-latency":
            limit = edge_label(inter_token_limit(metric, yardsticks))
            total = moved.get((c.INTER_TOKEN, label, INFINITY), 0)
            return total - moved.get((c.INTER_TOKEN, label, limit), 0), total
        case "finish-reason":
            good = moved.get((c.FINISHED, label, "stop"), 0)
            bad = sum(moved.get((c.FINISHED, label, r), 0) for r in BAD_ENDS)
            return bad, good + bad
        case "output-length":
            band = metric.band or yardsticks.output_tokens or WHOLE
            total = moved.get((c.OUTPUT, label, INFINITY), 0)
            up_to = moved.get((c.OUTPUT, label, str(band.max)), 0)
            below = moved.get((c.OUTPUT, label, str(band.min - 1)), 0) if band.min else 0
            return total - (up_to - below), total
        case "cache":
            misses = moved.get((c.CACHE, label, "miss"), 0)
            return misses, misses + moved.get((c.CACHE, label, "hit"), 0)
        case _:
            return 0, 0


BAD_ENDS = ("length", "repetition", "error")
"""A model that does not come to an end by itself; ``cancelled`` says nothing of the model."""


def first_token_limit(metric: Metric, yardsticks: Yardsticks) -> float:
    """Above it a first token is late; an edge of what is counted."""
    wanted = metric.limit_seconds or yardsticks.first_token_seconds or FIRST_TOKEN_S
    return at_least(wanted, FIRST_TOKEN_EDGES)


def inter_token_limit(metric: Metric, yardsticks: Yardsticks) -> float:
    """Above it a request's mean time between tokens is too long."""
    wanted = metric.limit_seconds or yardsticks.inter_token_seconds or INTER_TOKEN_S
    return at_least(wanted, INTER_TOKEN_EDGES)


def at_least(wanted: float, edges: tuple[float, ...]) -> float:
    """The first edge that is not below ``wanted``; the last one if all are."""
    return next((edge for edge in edges if edge >= wanted), edges[-1])


def gateway_errors(moved: Moved) -> Share:
    """What failed at the gateway, among all that came.

    A request counts when it arrives, so a failure may be of one that came before: then all
    that failed are all that there were. Kourier's Envoy answers 503 itself when the upstream
    went away before its answer began, and then has counted a cut too: of the two the larger
    number counts. Clients that leave are no failures.
    """
    by_code = [(key[1], count) for key, count in moved.items() if key[0] == c.CODE]
    failed = sum(count for code, count in by_code if code.startswith("5") and code != "503")
    unavailable = sum(count for code, count in by_code if code == "503")
    bad = failed + max(unavailable, moved.get((c.CUT,), 0))
    return share(bad, moved.get((c.ARRIVALS,), 0))


def own_errors(moved: Moved) -> Share:
    """The servers' own account of it, where no gateway can be read: a dead pod has none."""
    by_code = [(key[1], count) for key, count in moved.items() if key[0] == c.CODE]
    known = [(code, count) for code, count in by_code if code.isdigit()]
    bad = sum(count for code, count in known if code.startswith("5"))
    return share(bad, sum(count for _, count in known))


def arrivals(moved: Moved, buckets: tuple[int, ...]) -> dict[str, int]:
    """Requests that came, by stratum."""
    found: dict[str, float] = {}
    for label in STRATA:
        stratum = merged_stratum(label, buckets)
        found[stratum] = found.get(stratum, 0.0) + moved.get((c.ARRIVALS, label), 0)
    return {stratum: round(count) for stratum, count in found.items()}


def share(bad: float, total: float) -> Share:
    """Whole numbers, bad at most all."""
    whole = max(0, round(bad))
    return Share(whole, max(whole, round(total)))


def strata_of(found: Iterable[Mapping[str, object]]) -> list[str]:
    """Every stratum that occurs, once, in order."""
    return list(dict.fromkeys(stratum for each in found for stratum in each))
