"""What Prometheus is asked for."""

import re
from collections.abc import Iterable

from pilotlight.api.rollout_status import Component
from pilotlight.request_metrics import ARRIVALS, INFINITY
from pilotlight_canary.metrics.counters import (
    ENVOY_CLUSTER,
    envoy_families,
    pod_families,
    pod_prefix,
)

POD_LABELS = ("pod", "instance")
"""The first of these that a series has says who counts."""
ISTIO = "istio_requests_total"


def pods(component: Component, namespace: str, revisions: Iterable[str]) -> str:
    """All of the servers' counters."""
    return _named(pod_families(component), _of(namespace, revisions))


def pods_scraped_at(component: Component, namespace: str, revisions: Iterable[str]) -> str:
    """When each server was last scraped."""
    name = f"{pod_prefix(component)}{ARRIVALS}_total"
    return f'timestamp({name}{{{_of(namespace, revisions)},prompt_tokens="{INFINITY}"}})'


def unscraped(namespace: str, revisions: Iterable[str]) -> str:
    """Targets that Prometheus knows and that do not answer it."""
    return f"up{{{_of(namespace, revisions)}}} == 0"


def envoy(namespace: str, revisions: Iterable[str]) -> str:
    """All that is read of Kourier's gateway."""
    return _named(envoy_families(), _clusters(namespace, revisions))


def envoy_scraped_at(namespace: str, revisions: Iterable[str]) -> str:
    """When each of its replicas was last scraped."""
    return f"timestamp(envoy_cluster_upstream_rq_total{{{_clusters(namespace, revisions)}}})"


def any_envoy() -> str:
    """Whether there is such a gateway at all."""
    return "count(envoy_cluster_upstream_rq_total)"


def istio(namespace: str, revisions: Iterable[str]) -> str:
    """Requests as Istio's gateway counts them, when they end."""
    return f"{ISTIO}{{{_services(namespace, revisions)}}}"


def istio_scraped_at(namespace: str, revisions: Iterable[str]) -> str:
    """When each of its replicas was last scraped."""
    return f"timestamp({ISTIO}{{{_services(namespace, revisions)}}})"


def edges_only(selector: str, limits: Iterable[str], edges: Iterable[str]) -> str:
    """The same, but only these limits and edges of buckets; what has neither stays."""
    both = {"limit": limits, "le": edges}
    labels = [f'{label}=~"({_either(values)})?"' for label, values in both.items()]
    return f"{selector.removesuffix('}')},{','.join(labels)}}}"


def _named(names: Iterable[str], labels: str) -> str:
    return f'{{__name__=~"{_either(names)}",{labels}}}'


def _of(namespace: str, revisions: Iterable[str]) -> str:
    return f'namespace="{namespace}",revision=~"{_either(revisions)}"'


def _clusters(namespace: str, revisions: Iterable[str]) -> str:
    return f'{ENVOY_CLUSTER}=~"{_either(f"{namespace}/{name}" for name in revisions)}"'


def _services(namespace: str, revisions: Iterable[str]) -> str:
    return (
        f'reporter="source",destination_service_namespace="{namespace}",'
        f'destination_service_name=~"{_either(revisions)}"'
    )


def _either(names: Iterable[str]) -> str:
    # PromQL's strings have Go's escapes: a backslash of the pattern is written twice.
    return "|".join(re.escape(name).replace("\\", "\\\\") for name in names if name)
