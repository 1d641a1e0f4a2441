"""A replica is kept for a fixed time: Knative's pod retention, its default, and a fixed floor."""

import math
from dataclasses import dataclass

import numpy as np

from pilotlight_autoscaler.study.gaps import KEPT_S, Gaps
from pilotlight_autoscaler.study.policy import Family, Setting
from pilotlight_autoscaler.study.population import Service
from pilotlight_autoscaler.study.warm import Warm, keep

_MINUTES = (
    2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18, 22, 26, 30, 36, 43, 51, 60, 72, 86, 103, 123, 147, 175,
    208, 240, 300, 360, 480, 720, 1440, 2880,
)  # fmt: skip


@dataclass(frozen=True)
class Retention:
    """Keeps for so many seconds after the last request; 60 s is Knative's default."""

    keep_s: float

    def plan(self, service: Service, before: Gaps, asked: Gaps) -> Warm:
        """The same for every gap."""
        return keep(np.full(len(asked), self.keep_s))


def knative() -> Family:
    """Knative as it comes: scale to zero after the stable window."""
    return Family("knative", (Setting(Retention(KEPT_S), {}),))


def retention() -> Family:
    """``scale-to-zero-pod-retention-period`` of any length."""
    return Family(
        "retention",
        tuple(Setting(Retention(60.0 * m), {"minutes": float(m)}) for m in _MINUTES),
    )


def floor() -> Family:
    """``min-scale: 1``."""
    return Family("floor-1", (Setting(Retention(math.inf), {}),))
