"""All rules of the check, in the order of its report."""

from collections.abc import Callable, Iterator

from pilotlight_cluster.check import (
    features,
    gateway,
    kserve_settings,
    parts,
    permissions,
    readiness,
    surroundings,
    tuning,
    versions,
)
from pilotlight_cluster.check.finding import Finding
from pilotlight_cluster.check.observation import Observation

Rule = Callable[[Observation], Iterator[Finding]]

KNATIVE: tuple[Rule, ...] = (
    readiness.knative,
    gateway.gateway,
    gateway.domain,
    features.features,
    tuning.scheduling,
    tuning.metrics,
    tuning.zero,
    tuning.timeouts,
    tuning.progress,
    tuning.registries,
)
KSERVE: tuple[Rule, ...] = (readiness.kserve, kserve_settings.kserve_settings)
ALWAYS: tuple[Rule, ...] = (
    surroundings.namespace,
    surroundings.pilotlight_kinds,
    surroundings.prometheus_kinds,
    permissions.duties,
    permissions.reading,
)


def judge(seen: Observation) -> list[Finding]:
    """What there is to say about a cluster; pure, and the same for the same observation."""
    # Of what is not installed at all one line is enough.
    has_knative = any(kind in seen.kinds for kind in parts.KNATIVE_KINDS)
    has_kserve = any(kind in seen.kinds for kind in parts.KSERVE_KINDS)
    rules: tuple[Rule, ...] = (
        versions.kubernetes,
        versions.knative,
        *(KNATIVE if has_knative else ()),
        versions.kserve,
        *(KSERVE if has_kserve else ()),
        *ALWAYS,
    )
    return [finding for rule in rules for finding in rule(seen)]
