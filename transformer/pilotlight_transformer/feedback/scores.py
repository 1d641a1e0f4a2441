"""Scores for each revision, as metrics that a rollout can gate on."""

from collections import OrderedDict
from collections.abc import Iterable

from prometheus_client import Counter, Histogram
from prometheus_client.registry import Collector

LABEL = "predictor_revision"
"""Not ``revision``: Prometheus gives the pod it scrapes that label, and this is another pod's."""
UNKNOWN = "unknown"
EDGES = (-1.0, -0.5, 0.0, 0.5, 1.0)


class Scores:
    """Counts scores and flags, once for each answer.

    Args:
        max_revisions: The revision that was heard of longest ago makes room for a new one.
    """

    def __init__(self, max_revisions: int) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()
        self._max = max_revisions
        self._score = Histogram(
            "pilotlight_transformer_feedback_score",
            "Scores from -1 (bad) to 1 (good), the first one of each answer.",
            [LABEL],
            buckets=EDGES,
            registry=None,
        )
        self._flagged = Counter(
            "pilotlight_transformer_feedback_flagged",
            "Answers that were flagged.",
            [LABEL],
            registry=None,
        )
        self._answers = Counter(
            "pilotlight_transformer_feedback_answers",
            "Answers that were noted, and may be given feedback.",
            [LABEL],
            registry=None,
        )
        self._unnoted = Counter(
            "pilotlight_transformer_feedback_unnoted_answers",
            "Answers that were given without a note, because the store did not take it.",
            registry=None,
        )

    def answered(self, revision: str | None) -> None:
        """An answer was noted."""
        self._answers.labels(self._label(revision)).inc()

    def not_noted(self) -> None:
        """An answer was given, and could not be noted."""
        self._unnoted.inc()

    def scored(self, revision: str | None, score: float) -> None:
        """An answer got its first score."""
        self._score.labels(self._label(revision)).observe(score)

    def flagged(self, revision: str | None) -> None:
        """An answer was flagged for the first time."""
        self._flagged.labels(self._label(revision)).inc()

    def collectors(self) -> Iterable[Collector]:
        """All of it."""
        return (self._score, self._flagged, self._answers, self._unnoted)

    def _label(self, revision: str | None) -> str:
        label = revision or UNKNOWN
        if label in self._known:
            self._known.move_to_end(label)
            return label
        while len(self._known) >= self._max:
            oldest, _ = self._known.popitem(last=False)
            for family in (self._score, self._flagged, self._answers):
                family.remove(oldest)
        self._known[label] = None
        # All series begin at zero together: a share needs both of its counters.
        for family in (self._score, self._flagged, self._answers):
            family.labels(label)
        return label
