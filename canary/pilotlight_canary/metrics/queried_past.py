"""Stable's past from Prometheus: first in large steps for the limits, then in small ones."""

from collections.abc import Callable, Iterable

from pilotlight.api.rollout_status import Yardsticks
from pilotlight.errors import MetricsUnavailable
from pilotlight.metrics.exposition import Sample
from pilotlight.metrics.prometheus import Prometheus, Series
from pilotlight.request_metrics import INFINITY, edge_label
from pilotlight_canary.metrics import selectors
from pilotlight_canary.metrics.assembly import envoy_readings, pod_readings, who
from pilotlight_canary.metrics.checks import WHOLE, first_token_limit, inter_token_limit
from pilotlight_canary.metrics.past import dispersions, limits_kept
from pilotlight_canary.metrics.snapshot import Instance, Look, Reading
from pilotlight_canary.metrics.source import Target

WINDOW_S = 3600.0
COARSE_STEP_S = 60.0
Readings = Callable[[list[Sample], float], dict[Instance, Reading]]


def yardsticks_of(prometheus: Prometheus, target: Target, now: float) -> Yardsticks:
    """What stable has kept to in the last hour; see ``MetricsSource.yardsticks``."""
    try:
        return _learned(prometheus, target, now)
    except MetricsUnavailable as error:
        return Yardsticks(note=f"nothing could be learned of {target.stable}'s past: {error}")


def _learned(prometheus: Prometheus, target: Target, now: float) -> Yardsticks:
    arms = (target.namespace, [target.stable])
    every = selectors.pods(target.component, *arms)
    start = now - WINDOW_S

    def of_pods(samples: list[Sample], at: float) -> dict[Instance, Reading]:
        return pod_readings(samples, target.component, {}, at)

    coarse = looks(prometheus.over(every, start, now, COARSE_STEP_S), of_pods)
    kept = limits_kept(coarse, target.stable)
    step_s = max(15.0, target.analysis.interval.total_seconds())
    needed = selectors.edges_only(every, *_edges(target, kept))
    pods = looks(prometheus.over(needed, start, now, step_s), of_pods)
    envoy = prometheus.over(selectors.envoy(*arms), start, now, step_s)
    gateway = looks(envoy, lambda samples, at: _of_gateway(samples, target, at))
    found = dispersions(pods, gateway, target.stable, target.analysis.checks, kept)
    return kept.model_copy(
        update={"dispersion": found, "note": f"from the last {WINDOW_S / 60:g} min"}
    )


def _of_gateway(samples: list[Sample], target: Target, at: float) -> dict[Instance, Reading]:
    readings: dict[Instance, Reading] = {}
    for replica in {who(sample.labels) for sample in samples}:
        own = [sample for sample in samples if who(sample.labels) == replica]
        readings |= envoy_readings(own, replica, target.namespace, [target.stable], at)
    return readings


def _edges(target: Target, kept: Yardsticks) -> tuple[list[str], list[str]]:
    limits, edges = [], [INFINITY]
    for metric in target.analysis.checks:
        if metric.name == "ttft":
            limits.append(edge_label(first_token_limit(metric, kept)))
        elif metric.name == "inter-token-latency":
            edges.append(edge_label(inter_token_limit(metric, kept)))
        elif metric.name == "output-length":
            band = metric.band or kept.output_tokens or WHOLE
            edges += [str(band.max), *([str(band.min - 1)] if band.min else [])]
    # Prometheus 3 writes the bucket "1" as "1.0".
    return limits, [*edges, *(f"{edge}.0" for edge in edges if edge.isdigit())]


def looks(found: Iterable[Series], readings: Readings) -> list[Look]:
    """A range query's series, as one look for each moment."""
    at: dict[float, list[Sample]] = {}
    for series in found:
        for when, value in series.points:
            name = series.labels.get("__name__", "")
            at.setdefault(when, []).append(Sample(name, series.labels, value))
    return [Look(readings(at[when], when)) for when in sorted(at)]
