"""The port through which figures come."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pilotlight_autoscaler.metrics.figures import Figures
from pilotlight_autoscaler.metrics.subject import Subject


class MetricsSource(Protocol):
    """Reads what replicas and Knative tell; every call ends within a deadline."""

    def read(self, subjects: Sequence[Subject]) -> Mapping[str, Figures]:
        """The figures of each service of one namespace, by its name.

        It does not fail: what cannot be had is absent in the figures, and ``silence`` says why.
        """
        ...

    def close(self) -> None:
        """End threads and connections."""
        ...
