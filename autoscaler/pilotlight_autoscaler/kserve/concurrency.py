"""How many requests at once one replica is meant for."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pilotlight.kserve.names import annotations
from pilotlight.kube.document import Document
from pilotlight_autoscaler.kpa.settings import KpaSettings, Metric
from pilotlight_autoscaler.kpa.targets import resolve

METRIC = "autoscaling.knative.dev/metric"
TARGET = "autoscaling.knative.dev/target"
UTILIZATION = (
    "autoscaling.knative.dev/target-utilization-percentage",
    "autoscaling.knative.dev/targetUtilizationPercentage",
)
DEFAULT_TARGET = "container-concurrency-target-default"
DEFAULT_PERCENTAGE = "container-concurrency-target-percentage"


def defaults_of(config: Mapping[str, str]) -> KpaSettings:
    """The cluster's defaults, from Knative's ``config-autoscaler``."""
    settings = KpaSettings()
    if (target := _number(config.get(DEFAULT_TARGET))) is not None:
        settings = replace(settings, container_concurrency_target_default=target)
    if (share := _number(config.get(DEFAULT_PERCENTAGE))) is not None:
        # Below 1 it is a fraction already (config/config.go).
        fraction = share / 100 if share > 1 else share
        settings = replace(settings, container_concurrency_target_fraction=fraction)
    return settings


def target_of(revision: Document, defaults: KpaSettings) -> float | None:
    """What Knative keeps a replica of a Revision at; ``None``: it does not go by concurrency."""
    told = annotations(revision)
    if told.get(METRIC, Metric.CONCURRENCY) != Metric.CONCURRENCY:
        return None
    percentage = next((told[name] for name in UTILIZATION if name in told), None)
    settings = replace(
        defaults,
        container_concurrency=int((revision.get("spec") or {}).get("containerConcurrency") or 0),
        target=_number(told.get(TARGET)),
        target_utilization_percentage=_number(percentage),
    )
    return resolve(settings).aimed_at


def _number(text: Any) -> float | None:
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return float(found) if isinstance(found, int | float) and found > 0 else None
