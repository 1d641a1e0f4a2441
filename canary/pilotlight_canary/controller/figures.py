"""The counters of the last reading, kept in memory: an interval is what they did since.

A controller that starts anew has none, and its first look has no interval: evidence is not made
up for the time in which nobody looked.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import Phase, Yardsticks
from pilotlight_canary.metrics.interval import carried, interval
from pilotlight_canary.metrics.snapshot import Snapshot
from pilotlight_canary.metrics.source import MetricsSource, MetricsUnavailable, Target
from pilotlight_canary.observation import Interval, Observation, Silence

WATCHED = frozenset({Phase.PROGRESSING, Phase.PAUSED, Phase.PROMOTING, Phase.WATCHING})
"""Phases in which people's requests may reach the canary."""
SLACK = 0.9
"""Of an interval: a look that is a little early reads, instead of waiting for a whole one more."""


@dataclass
class Figures:
    """Reads counters where they are due.

    Args:
        source_of: Where a rollout's figures come from.
    """

    source_of: Callable[[InferenceRollout], MetricsSource]
    _last: dict[str, tuple[datetime, Snapshot]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def interval(
        self, rollout: InferenceRollout, seen: Observation, now: datetime
    ) -> Interval | Silence | None:
        """What the counters did since the last reading; ``None``: none was due, or it is the
        first."""
        key, status = rollout.metadata.uid, rollout.status
        if status.phase not in WATCHED or not status.canary_revision or seen.service is None:
            self.forget(key)
            return None
        before = self._of(key, rollout)
        every_s = rollout.spec.analysis.interval.total_seconds()
        if before is not None and (now - before[0]).total_seconds() < SLACK * every_s:
            return None
        try:
            snapshot = self.source_of(rollout).read(target(rollout))
        except MetricsUnavailable as error:
            return Silence(str(error))
        with self._lock:
            earlier = before[1] if before else None
            self._last[key] = (now, carried(earlier, snapshot, rollout.spec.analysis))
        if earlier is None:
            return None
        return interval(earlier, snapshot, rollout.spec.analysis, rollout.status.yardsticks)

    def yardsticks(self, rollout: InferenceRollout) -> Yardsticks:
        """What stable kept to until now."""
        return self.source_of(rollout).yardsticks(target(rollout))

    def forget(self, key: str) -> None:
        """A rollout of which no figures are needed."""
        with self._lock:
            self._last.pop(key, None)

    def _of(self, key: str, rollout: InferenceRollout) -> tuple[datetime, Snapshot] | None:
        """The last reading, if it was of the same two revisions."""
        with self._lock:
            found = self._last.get(key)
        status = rollout.status
        if found and (found[1].stable, found[1].canary) == (
            status.stable_revision,
            status.canary_revision,
        ):
            return found
        return None


def target(rollout: InferenceRollout) -> Target:
    """Whose figures a rollout needs."""
    status = rollout.status
    return Target(
        namespace=rollout.metadata.namespace,
        stable=status.stable_revision,
        canary=status.canary_revision,
        component=status.component,
        analysis=rollout.spec.analysis,
    )
