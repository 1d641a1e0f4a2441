"""Which limits and strata a spec may name: the servers count between fixed edges."""

from collections.abc import Sequence

from pilotlight.api.analysis import Analysis, Metric
from pilotlight.api.rollout import RolloutPolicy
from pilotlight.request_metrics import (
    FIRST_TOKEN_EDGES,
    INFINITY,
    INTER_TOKEN_EDGES,
    OUTPUT_EDGES,
    PROMPT_EDGES,
    edge_label,
)

LATENCY_EDGES = {"ttft": FIRST_TOKEN_EDGES, "inter-token-latency": INTER_TOKEN_EDGES}
REVISION_PLACE = "{revision}"


def problems(policy: RolloutPolicy, *, has_prometheus: bool | None = None) -> list[str]:
    """What in a spec cannot be measured, a sentence each; empty: all of it can.

    Args:
        policy: The spec.
        has_prometheus: Whether there is a Prometheus; by default, whether the spec names one.
    """
    prometheus = policy.metrics_server is not None if has_prometheus is None else has_prometheus
    found = stratum_problems(policy.analysis)
    for metric in policy.analysis.metrics:
        found += _metric_problems(metric, prometheus)
    return found


def stratum_problems(analysis: Analysis) -> list[str]:
    """What is wrong with ``promptTokenBuckets``."""
    wanted = analysis.prompt_token_buckets
    unknown = [edge for edge in wanted if edge not in PROMPT_EDGES]
    if unknown:
        allowed = _list(PROMPT_EDGES)
        return [f"promptTokenBuckets: {_list(unknown)} cannot be an edge, only {allowed} can"]
    if list(wanted) != sorted(set(wanted)):
        return ["promptTokenBuckets: the edges must rise"]
    return []


def _metric_problems(metric: Metric, has_prometheus: bool) -> list[str]:
    name, found = metric.name, []
    if metric.query is not None:
        if not has_prometheus:
            found.append(f"metric {name!r}: a query needs a Prometheus: set metricsServer")
        for part, text in (("bad", metric.query.bad), ("total", metric.query.total)):
            if REVISION_PLACE not in text:
                found.append(
                    f"metric {name!r}: query.{part} must name the revision with "
                    f"{REVISION_PLACE}, or both versions would count the same"
                )
        return found
    if metric.limit_seconds is not None:
        edges = LATENCY_EDGES.get(name)
        if edges is None:
            found.append(f"metric {name!r}: limitSeconds is for {' and '.join(LATENCY_EDGES)}")
        elif metric.limit_seconds not in edges:
            found.append(
                f"metric {name!r}: limitSeconds must be an edge of what is counted: one of "
                f"{_list(edges)}"
            )
    if metric.band is not None:
        if name != "output-length":
            found.append(f"metric {name!r}: a band is for output-length")
        else:
            found += _band_problems(metric.band.min, metric.band.max)
    return found


def _band_problems(low: int, high: int) -> list[str]:
    found = []
    if low > high:
        found.append("metric 'output-length': band.min is above band.max")
    # Answers of `min` tokens are inside, and buckets are counted up to and with their edge.
    if low != 0 and low - 1 not in OUTPUT_EDGES:
        allowed = [0, *(edge + 1 for edge in OUTPUT_EDGES)]
        found.append(f"metric 'output-length': band.min must be one of {_list(allowed)}")
    if high not in OUTPUT_EDGES:
        found.append(f"metric 'output-length': band.max must be one of {_list(OUTPUT_EDGES)}")
    return found


def merged_stratum(label: str, buckets: Sequence[int]) -> str:
    """The spec's stratum in which the servers' stratum ``label`` lies.

    Without buckets there is one, called ``""``.
    """
    if not buckets:
        return ""
    if label == INFINITY:
        return INFINITY
    return next((str(edge) for edge in buckets if int(label) <= edge), INFINITY)


def _list(edges: Sequence[float]) -> str:
    return ", ".join(edge_label(edge) for edge in edges)
