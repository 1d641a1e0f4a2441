"""One look: what is wanted, what was stored, what is seen, and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite

from pilotlight.api.warmpool import WarmPoolPolicy, WarmPoolStatus
from pilotlight_autoscaler.observation import Observation, Service

UNMEASURED_START_S = 120.0
"""A start that nobody has measured yet."""
LONGEST_START_S = 3600.0
"""Nobody looks further ahead than an hour: by then much else has changed."""
REACTION_S = 5.0
"""From a floor that is written until Knative has made the pod: two of its ticks and a little."""


@dataclass(frozen=True)
class Look:
    """All that a term may depend on."""

    spec: WarmPoolPolicy
    status: WarmPoolStatus
    seen: Observation
    service: Service
    now: datetime

    @property
    def cold_start_s(self) -> float:
        """How long a start takes, as measured; a guess until one was, or if it is nonsense."""
        measured = self.seen.cold_start_s
        if measured is None or not isfinite(measured):
            return UNMEASURED_START_S
        return min(max(measured, 0.0), LONGEST_START_S)

    @property
    def ahead_s(self) -> float:
        """So much before a replica is needed its floor has to rise."""
        return self.cold_start_s + REACTION_S

    def since(self, moment: datetime) -> timedelta:
        """How long ago it was; nothing for what a clock put back has left in the future."""
        return max(self.now - moment, timedelta())
