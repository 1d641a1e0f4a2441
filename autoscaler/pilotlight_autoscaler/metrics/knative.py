"""What Knative's activators and autoscalers tell of revisions."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pilotlight.metrics.exposition import Sample
from pilotlight_autoscaler.metrics import families as f
from pilotlight_autoscaler.metrics.figures import RevisionFigures

Key = tuple[str, str]
"""Namespace and name of a revision."""


def revision_figures(
    samples: Iterable[tuple[Sample, float]],
) -> dict[Key, RevisionFigures]:
    """By revision, what all of them tell together.

    Every activator holds requests of its own. Of the autoscalers one leads for a revision; what
    another still says of it is older, and a replica too few is the better error: the largest.

    Args:
        samples: Each with its time.
    """
    found: dict[Key, RevisionFigures] = {}
    for sample, at in samples:
        key = (sample.labels.get(f.NAMESPACE_LABEL, ""), sample.labels.get(f.REVISION_LABEL, ""))
        now = found.get(key, RevisionFigures(at))
        at = min(at, now.at)
        if sample.name == f.WAITING_AT_ACTIVATOR:
            found[key] = replace(now, at=at, waiting=(now.waiting or 0.0) + sample.value)
        elif sample.name == f.CONCURRENCY_6S:
            found[key] = replace(now, at=at, busy=max(now.busy or 0.0, sample.value))
    return found


def of_namespace(
    found: Mapping[Key, RevisionFigures], namespace: str
) -> dict[str, RevisionFigures]:
    """Those of one namespace, by the revision's name."""
    return {revision: each for (where, revision), each in found.items() if where == namespace}
