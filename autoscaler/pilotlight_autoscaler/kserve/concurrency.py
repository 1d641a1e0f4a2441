"""How many requests at once one replica is meant for."""

from collections.abc import Mapping

from pilotlight.errors import UsageError
from pilotlight.kserve.names import annotations
from pilotlight.kube.document import Document
from pilotlight_autoscaler.kpa.annotations import settings_of
from pilotlight_autoscaler.kpa.settings import KpaSettings, Metric
from pilotlight_autoscaler.kpa.targets import resolve


def target_of(revision: Document, config: Mapping[str, str]) -> float | None:
    """What Knative keeps a replica of a Revision at; ``None``: it does not go by concurrency.

    Args:
        revision: Whose replicas.
        config: Data of Knative's ``config-autoscaler``.
    """
    settings = _settings(revision, config)
    return resolve(settings).aimed_at if settings.metric is Metric.CONCURRENCY else None


def _settings(revision: Document, config: Mapping[str, str]) -> KpaSettings:
    limit = int((revision.get("spec") or {}).get("containerConcurrency") or 0)
    try:
        return settings_of(config, annotations(revision), limit)
    except UsageError:
        # Knative itself goes on with what it read before; its defaults are the best guess of that.
        return settings_of({}, annotations(revision), limit)
