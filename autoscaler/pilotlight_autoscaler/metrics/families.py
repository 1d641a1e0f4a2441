"""Which metrics are read, and what they say; of several that say the same the first is taken.

Pilotlight's predictor tells all of it. vLLM's own server is read by vLLM's names, and any other
server by what Knative's queue-proxy and autoscaler tell of it (names of Knative 1.21).
"""

from collections.abc import Mapping

from pilotlight import start_phases
from pilotlight.request_metrics import ARRIVALS, STARTED

Family = tuple[str, ...]
"""Names whose values are added."""

REQUESTS = "requests"
SINCE = "since"
IN_FLIGHT = "in-flight"
QUEUE = "queue"
KV_CACHE = "kv-cache"
GPU = "gpu"
START = "start"

_INVOCATIONS = "kn_serving_invocation_duration_seconds_count"
_RUNNING = "vllm:num_requests_running"
_WAITING = "vllm:num_requests_waiting"

WAITING_AT_ACTIVATOR = "kn_revision_request_concurrency"
CONCURRENCY_6S = "kn_revision_concurrency_panic"
CONCURRENCY_60S = "kn_revision_concurrency_stable"
PODS = "kn_revision_pods_count"
QUEUE_PROXY_PORT = 9091
KNATIVE = frozenset({WAITING_AT_ACTIVATOR, CONCURRENCY_6S})
NAMESPACE_LABEL = "k8s_namespace_name"
REVISION_LABEL = "kn_revision_name"


def pod_families(prefix: str) -> Mapping[str, tuple[Family, ...]]:
    """By what they say, the metrics of a replica.

    Args:
        prefix: Of our own servers' metrics, as in ``pilotlight_predictor_``.
    """
    return {
        REQUESTS: (
            (f"{prefix}{ARRIVALS}_total",),
            ("vllm:request_success_total",),
            (_INVOCATIONS,),
        ),
        SINCE: ((f"{prefix}{STARTED}",),),
        IN_FLIGHT: ((f"{prefix}in_flight_requests",), (_RUNNING, _WAITING)),
        QUEUE: ((f"{prefix}queue_requests",), (_WAITING,)),
        KV_CACHE: (
            (f"{prefix}kv_cache_usage_ratio",),
            ("vllm:kv_cache_usage_perc",),
            ("vllm:gpu_cache_usage_perc",),
        ),
        GPU: ((f"{prefix}gpu_utilisation_ratio",),),
        START: ((start_phases.METRIC.replace("pilotlight_predictor_", prefix),),),
    }


def pod_names(prefix: str) -> frozenset[str]:
    """All names that are read of a replica."""
    families = pod_families(prefix).values()
    return frozenset(name for choices in families for family in choices for name in family)
