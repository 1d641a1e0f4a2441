"""Which of the exposed samples are read, and as what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pilotlight import request_metrics as names
from pilotlight.api.rollout_status import Component
from pilotlight.metrics.exposition import Sample
from pilotlight_canary.metrics.snapshot import Counter

ARRIVALS = "arrivals"
WITHIN = "within"
LATE = "late"
INTER_TOKEN = "inter-token"  # noqa: S105  # not a password
OUTPUT = "output"
FINISHED = "finished"
CACHE = "cache"
CODE = "code"
CUT = "cut"
BAD, TOTAL = "bad", "total"

_STRATUM = "prompt_tokens"
# By the name after the part's prefix: ours, and the labels that tell the series apart.
_POD_FAMILIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    f"{names.ARRIVALS}_total": (ARRIVALS, (_STRATUM,)),
    f"{names.WITHIN}_total": (WITHIN, (_STRATUM, "limit")),
    f"{names.LATE}_total": (LATE, (_STRATUM, "limit")),
    f"{names.INTER_TOKEN}_bucket": (INTER_TOKEN, (_STRATUM, "le")),
    f"{names.OUTPUT}_bucket": (OUTPUT, (_STRATUM, "le")),
    f"{names.FINISHED}_total": (FINISHED, (_STRATUM, "reason")),
    f"{names.CACHE}_total": (CACHE, (_STRATUM, "result")),
    "http_requests_total": (CODE, ("code",)),
}

# Envoy, per cluster; Kourier's clusters are named NAMESPACE/REVISION.
ENVOY_CLUSTER = "envoy_cluster_name"
_ENVOY_FAMILIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "envoy_cluster_upstream_rq_total": (ARRIVALS, ()),
    "envoy_cluster_upstream_rq": (CODE, ("envoy_response_code",)),
    # A stream whose upstream went away: HTTP/1 closes the connection, HTTP/2 resets.
    "envoy_cluster_upstream_cx_destroy_remote_with_active_rq": (CUT, ()),
    "envoy_cluster_upstream_rq_rx_reset": (CUT, ()),
}


@dataclass(frozen=True)
class PodFigures:
    """What a server's samples say."""

    counters: Mapping[Counter, float]
    started_at: float | None
    stall_s: float


def pod_prefix(component: Component) -> str:
    """With what the names of a component's families begin."""
    return f"pilotlight_{component}_"


def pod_families(component: Component) -> list[str]:
    """All names that are read of a server."""
    return [pod_prefix(component) + name for name in (*_POD_FAMILIES, names.STALL, names.STARTED)]


def envoy_families() -> list[str]:
    """All names that are read of the gateway."""
    return list(_ENVOY_FAMILIES)


def pod_figures(samples: Iterable[Sample], component: Component) -> PodFigures:
    """A server's samples as counters; those of other families are left out."""
    prefix = pod_prefix(component)
    counters: dict[Counter, float] = {}
    started_at, stall_s = None, 0.0
    for sample in samples:
        if not sample.name.startswith(prefix):
            continue
        name = sample.name.removeprefix(prefix)
        if name == names.STALL:
            stall_s = max(stall_s, sample.value)
        elif name == names.STARTED:
            started_at = sample.value
        elif name in _POD_FAMILIES:
            _add(counters, sample, *_POD_FAMILIES[name])
    return PodFigures(counters, started_at, stall_s)


def envoy_counters(samples: Iterable[Sample]) -> dict[str, dict[Counter, float]]:
    """A gateway's samples as counters, by the name of the cluster."""
    found: dict[str, dict[Counter, float]] = {}
    for sample in samples:
        if sample.name in _ENVOY_FAMILIES and (cluster := sample.labels.get(ENVOY_CLUSTER)):
            _add(found.setdefault(cluster, {}), sample, *_ENVOY_FAMILIES[sample.name])
    return found


def _add(
    counters: dict[Counter, float], sample: Sample, name: str, labels: tuple[str, ...]
) -> None:
    key = (name, *(_tidy(sample.labels.get(label, "")) for label in labels))
    counters[key] = counters.get(key, 0.0) + sample.value


def _tidy(value: str) -> str:
    # Prometheus 3 writes the bucket "1" as "1.0".
    if value and value[0].isdigit() and "." in value:
        return names.edge_label(float(value))
    return value
