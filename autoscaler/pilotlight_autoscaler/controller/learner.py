"""Learns what pools' services are asked for, when there is time for it."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from zlib import crc32

from pilotlight.api.warmpool import WarmPool
from pilotlight_autoscaler.controller.known import Known
from pilotlight_autoscaler.learning import Learnt, learnt_from
from pilotlight_autoscaler.metrics.trace import Trace
from pilotlight_autoscaler.observation import Observation

EVERY_S = 3600.0
Key = tuple[str, str]
"""Pool and service: a pool that turns to another service begins anew."""
AT_ONCE_S = 1.5
"""Of the processor, spent on it after one look: a restart must not keep the next one waiting."""
_turn = threading.Lock()
"""One at a time learns, whatever its namespace: it takes memory."""


class Learner:
    """The models of one namespace's pools.

    Args:
        trace: What was seen of a pool's service.
        cpu_s: Processor time of this thread.
    """

    def __init__(
        self, trace: Callable[[WarmPool], Trace], cpu_s: Callable[[], float] = time.thread_time
    ) -> None:
        self._trace = trace
        self._cpu_s = cpu_s
        self._learnt: dict[Key, tuple[Learnt | None, float]] = {}

    def of(self, known: Known) -> Learnt | None:
        """What is known of a pool's service."""
        return self._learnt.get(_key(known), (None, 0.0))[0]

    def learn(self, pools: Sequence[Known], seen: Mapping[str, Observation], now: datetime) -> None:
        """Learn anew what is due, the longest overdue first, for a few seconds.

        Args:
            pools: Of the namespace.
            seen: This look's, by name of the pool.
            now: The time.
        """
        until = self._cpu_s() + AT_ONCE_S
        due = [known for known in pools if self._is_due(known, seen[known.name], now.timestamp())]
        for known in sorted(due, key=lambda one: self._due_s(one)):
            if self._cpu_s() >= until:
                return
            with _turn:
                self._anew(known, seen[known.name], now)

    def forget(self, name: str) -> None:
        """A pool that is gone."""
        for key in [key for key in self._learnt if key[0] == name]:
            del self._learnt[key]

    def _is_due(self, known: Known, observation: Observation, now_s: float) -> bool:
        if not known.pool.spec.forecast or observation.service is None:
            return False
        due_s = self._due_s(known)
        # A clock that went back does not put it off.
        return now_s >= due_s or due_s - now_s > 2 * EVERY_S

    def _anew(self, known: Known, observation: Observation, now: datetime) -> None:
        demand = self._trace(known.pool).history.demand()
        found = learnt_from(demand, known.pool.spec, known.status, observation, now)
        found = found or self.of(known)
        next_s = now.timestamp() + _pause_s(known.name)
        self.forget(known.name)
        self._learnt[_key(known)] = (found, next_s)

    def _due_s(self, known: Known) -> float:
        return self._learnt.get(_key(known), (None, 0.0))[1]


def _key(known: Known) -> Key:
    return known.name, known.pool.spec.target_ref.name


def _pause_s(name: str) -> float:
    """Not all of them in the same minute."""
    return EVERY_S * (0.9 + 0.2 * (crc32(name.encode()) % 1000) / 1000)
