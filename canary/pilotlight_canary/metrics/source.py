"""The port through which figures come."""

from dataclasses import dataclass, field
from typing import Protocol

from pilotlight.api.analysis import Analysis
from pilotlight.api.rollout_status import Component, Yardsticks
from pilotlight_canary.metrics.snapshot import Snapshot


@dataclass(frozen=True)
class Target:
    """Whose figures are wanted.

    Args:
        namespace: Of the InferenceService.
        stable: Revision.
        canary: Revision; empty while there is none.
        component: Predictor and transformer count under names of their own.
        analysis: The spec's checks.
    """

    namespace: str
    stable: str
    canary: str
    component: Component = Component.PREDICTOR
    analysis: Analysis = field(default_factory=Analysis)


class MetricsSource(Protocol):
    """Reads counters; every call ends within a deadline."""

    def read(self, target: Target) -> Snapshot:
        """Everything that both revisions have counted by now.

        Raises:
            MetricsUnavailable: There are no figures at all.
        """
        ...

    def yardsticks(self, target: Target) -> Yardsticks:
        """What stable has kept to, to be asked for once, before the canary gets requests.

        It does not fail: what cannot be learned is left out, and ``note`` says so.
        """
        ...
