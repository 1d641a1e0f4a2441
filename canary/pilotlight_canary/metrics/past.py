"""Stable's past, as looks that were taken one after another: what it kept to."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from pilotlight.api.analysis import Metric, TokenBand
from pilotlight.api.rollout_status import Yardsticks
from pilotlight.request_metrics import (
    FIRST_TOKEN_EDGES,
    INFINITY,
    INTER_TOKEN_EDGES,
    OUTPUT_EDGES,
    STRATA,
    edge_label,
)
from pilotlight_canary.metrics import counters as c
from pilotlight_canary.metrics.checks import Moved, Share, gateway_errors, own_errors, shares
from pilotlight_canary.metrics.difference import restarted
from pilotlight_canary.metrics.history import Cell, band_kept, dispersion, limit_kept
from pilotlight_canary.metrics.snapshot import Counter, Look

SOON_S = 0.2
"""Who waits no longer for a first token does not wait; a default limit is not below."""
READING_S = 0.04
"""Tokens that come faster than this are faster than anybody reads."""


def limits_kept(pods: Sequence[Look], stable: str) -> Yardsticks:
    """The limits and the band of nearly all of stable's requests; none with too few of them."""
    moved: dict[Counter, float] = {}
    for row in rows(pods, stable):
        for own in row.values():
            for counter, count in own.items():
                moved[counter] = moved.get(counter, 0.0) + count
    within = {edge: _over(moved, c.WITHIN, edge_label(edge)) for edge in FIRST_TOKEN_EDGES}
    late = _over(moved, c.LATE, edge_label(FIRST_TOKEN_EDGES[-1]))
    first_token_s = limit_kept(within, within[FIRST_TOKEN_EDGES[-1]] + late)
    inter_token_s = limit_kept(*_histogram(moved, c.INTER_TOKEN, INTER_TOKEN_EDGES))
    return Yardsticks(
        first_token_seconds=first_token_s and max(first_token_s, SOON_S),
        inter_token_seconds=inter_token_s and max(inter_token_s, READING_S),
        output_tokens=_band(moved),
    )


def dispersions(
    pods: Sequence[Look],
    gateway: Sequence[Look],
    stable: str,
    checks: Sequence[Metric],
    yardsticks: Yardsticks,
) -> dict[str, float]:
    """By check, how much burstier stable's bad was than independent requests'.

    Checks of which nothing could be learned are not in it.
    """
    found = {}
    for metric in checks:
        if metric.query is not None:
            continue
        looks, share = _counting(metric, pods, gateway, yardsticks)
        cells = [
            {pod: _cell(share(moved)) for pod, moved in row.items()} for row in rows(looks, stable)
        ]
        if (estimate := dispersion(cells)) is not None:
            found[metric.name] = round(estimate, 3)
    return found


def rows(looks: Sequence[Look], stable: str) -> list[dict[str, Moved]]:
    """By interval, what each of stable's instances counted; those that began anew are left out."""
    found = []
    for before, after in pairwise(looks):
        row: dict[str, Moved] = {}
        for instance, reading in after.readings.items():
            old = before.readings.get(instance)
            if instance.revision != stable or old is None or restarted(old, reading):
                continue
            row[instance.name] = {
                counter: value - old.counters.get(counter, 0.0)
                for counter, value in reading.counters.items()
            }
        found.append(row)
    return found


def _counting(
    metric: Metric, pods: Sequence[Look], gateway: Sequence[Look], yardsticks: Yardsticks
) -> tuple[Sequence[Look], Callable[[Moved], Share]]:
    if metric.name == "errors":
        return (gateway, gateway_errors) if gateway else (pods, own_errors)
    return pods, lambda moved: shares(metric, moved, yardsticks, ())[""]


def _cell(share: Share) -> Cell:
    return float(share.bad), float(share.total)


def _band(moved: Moved) -> TokenBand | None:
    spread, total = _histogram(moved, c.OUTPUT, OUTPUT_EDGES)
    return band_kept(spread, total)


def _histogram(
    moved: Moved, name: str, edges: Sequence[float]
) -> tuple[Mapping[float, float], float]:
    spread = {edge: _over(moved, name, edge_label(edge)) for edge in edges}
    return spread, _over(moved, name, INFINITY)


def _over(moved: Moved, name: str, label: str) -> float:
    return sum(moved.get((name, stratum, label), 0.0) for stratum in STRATA)
