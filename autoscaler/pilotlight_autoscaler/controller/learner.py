"""Learns what pools' services are asked for, a few at a time."""

from datetime import datetime
from zlib import crc32

from pilotlight_autoscaler.controller.known import Known
from pilotlight_autoscaler.learning import Learnt, learnt_from
from pilotlight_autoscaler.metrics.trace import Trace
from pilotlight_autoscaler.observation import Observation

EVERY_S = 3600.0
AT_ONCE = 4
"""In one look: a restart must not learn of all of them at once."""


class Learner:
    """The models of one namespace's pools."""

    def __init__(self) -> None:
        self._learnt: dict[str, tuple[Learnt | None, float]] = {}
        self._left = AT_ONCE

    def begin(self) -> None:
        """Another look."""
        self._left = AT_ONCE

    def of(
        self, known: Known, observation: Observation, trace: Trace, now: datetime
    ) -> Learnt | None:
        """What is known of a pool's service, learnt anew when that is due.

        Args:
            known: The pool.
            observation: This look's.
            trace: What was seen of the service.
            now: The time.
        """
        if not known.pool.spec.forecast or observation.service is None:
            return None
        learnt, due_s = self._learnt.get(known.name, (None, 0.0))
        # A clock that went back does not put it off.
        late = now.timestamp() >= due_s or due_s - now.timestamp() > 2 * EVERY_S
        if late and self._left:
            self._left -= 1
            demand = trace.history.demand()
            found = learnt_from(demand, known.pool.spec, known.status, observation, now)
            learnt = found or learnt
            self._learnt[known.name] = (learnt, now.timestamp() + _pause_s(known.name))
        return learnt

    def forget(self, name: str) -> None:
        """A pool that is gone, or for another service now."""
        self._learnt.pop(name, None)


def _pause_s(name: str) -> float:
    """Not all of them in the same minute."""
    return EVERY_S * (0.9 + 0.2 * (crc32(name.encode()) % 1000) / 1000)
