"""Samples from any source, put together as looks."""

from collections.abc import Iterable, Mapping

from pilotlight.api.rollout_status import Component
from pilotlight.metrics.exposition import Sample
from pilotlight_canary.metrics.counters import (
    ARRIVALS,
    CODE,
    CUT,
    envoy_counters,
    pod_figures,
)
from pilotlight_canary.metrics.selectors import POD_LABELS
from pilotlight_canary.metrics.snapshot import Counter, Instance, Reading


def who(labels: Mapping[str, str]) -> str:
    """Who counted a series; empty if it is a sum over all who do."""
    return next((labels[label] for label in POD_LABELS if labels.get(label)), "")


def pod_readings(
    samples: Iterable[Sample], component: Component, times: Mapping[Instance, float], at: float
) -> dict[Instance, Reading]:
    """The servers' samples, which have ``revision`` and who counted as labels."""
    grouped: dict[Instance, list[Sample]] = {}
    for sample in samples:
        instance = Instance(sample.labels.get("revision", ""), who(sample.labels))
        grouped.setdefault(instance, []).append(sample)
    found = {}
    for instance, own in grouped.items():
        figures = pod_figures(own, component)
        found[instance] = Reading(
            times.get(instance, at), figures.counters, figures.started_at, figures.stall_s
        )
    return found


def envoy_readings(
    samples: Iterable[Sample],
    replica: str,
    namespace: str,
    revisions: Iterable[str],
    at: float,
) -> dict[Instance, Reading]:
    """One gateway replica's samples, as a reading for each revision that it knows."""
    by_cluster = envoy_counters(samples)
    return {
        Instance(revision, replica): Reading(at, by_cluster[f"{namespace}/{revision}"])
        for revision in revisions
        if f"{namespace}/{revision}" in by_cluster
    }


def istio_counters(samples: Iterable[Sample]) -> dict[Counter, float]:
    """Istio's samples of one replica and revision, as the gateway's counters.

    ``0`` is the code of a request that had no answer: the client left (``DC``), or the upstream
    did. A stream that broke off has its 200 and a flag.
    """
    found: dict[Counter, float] = {}
    for sample in samples:
        code = sample.labels.get("response_code", "0")
        flags = set(sample.labels.get("response_flags", "-").split(","))
        keys: list[Counter] = [(ARRIVALS,), (CODE, code)]
        if not code.startswith("5") and flags & {"UC", "UR", "UPE"}:
            keys.append((CUT,))
        for key in keys:
            found[key] = found.get(key, 0.0) + sample.value
    return found
