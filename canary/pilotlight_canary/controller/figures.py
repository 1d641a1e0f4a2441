"""The counters of the last reading, kept in memory: an interval is what they did since.

A controller that starts anew has none, and its first look has no interval: evidence is not made
up for the time in which nobody looked.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import ComponentRecord, Phase, Yardsticks
from pilotlight.errors import MetricsUnavailable
from pilotlight_canary.metrics.interval import carried, interval
from pilotlight_canary.metrics.scraped import ScrapingSource
from pilotlight_canary.metrics.snapshot import Snapshot
from pilotlight_canary.metrics.source import MetricsSource, Target
from pilotlight_canary.observation import Interval, Observation, Silence

WATCHED = frozenset({Phase.PROGRESSING, Phase.PAUSED, Phase.PROMOTING, Phase.WATCHING})
"""Phases in which people's requests may reach the canary."""
LONGEST_PAUSE_S = 60.0
PATIENCE_S = 30.0
"""A gap between readings that is shorter is none: two scrapes may lie on either side of a look, and
what was counted meanwhile comes with the next one."""
SLACK = 0.9
"""Of an interval: a look that is a little early reads, instead of waiting for a whole one more."""


@dataclass
class Figures:
    """Reads counters where they are due.

    Args:
        source_of: Where a rollout's figures come from.
    """

    source_of: Callable[[InferenceRollout], MetricsSource]
    _last: dict[str, tuple[datetime, Snapshot | None]] = field(default_factory=dict)
    _heard: dict[str, datetime] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def interval(
        self, rollout: InferenceRollout, seen: Observation, now: datetime
    ) -> Interval | Silence | None:
        """What the counters did since the last reading; ``None``: none was due, it is the first,
        or there is nothing new for so short a time that it means nothing."""
        found = self._interval(rollout, seen, now)
        uid = rollout.metadata.uid
        patience_s = max(PATIENCE_S, 2 * rollout.spec.analysis.interval.total_seconds())
        with self._lock:
            if not isinstance(found, Silence):
                if found is not None or rollout.status.phase not in WATCHED:
                    self._heard[uid] = now
                return found
            heard = self._heard.setdefault(uid, now)
        return found if (now - heard).total_seconds() >= patience_s else None

    def _interval(
        self, rollout: InferenceRollout, seen: Observation, now: datetime
    ) -> Interval | Silence | None:
        status = rollout.status
        if seen.service is None or not self._is_due(rollout, now):
            return None
        if status.phase not in WATCHED or not status.canary_revision:
            self._keep(rollout, now, None)
            self._learn(rollout)
            return None
        before = self._of(rollout)
        try:
            after = self.source_of(rollout).read(target(rollout))
        except MetricsUnavailable as error:
            return Silence(str(error))
        analysis = rollout.spec.analysis
        self._keep(rollout, now, carried(before, after, analysis))
        if before is None:
            return None
        return interval(before, after, analysis, status.yardsticks)

    def yardsticks(self, rollout: InferenceRollout) -> Yardsticks:
        """What stable kept to until now."""
        return self.source_of(rollout).yardsticks(target(rollout))

    def longest_pause_s(self, rollout: InferenceRollout) -> float:
        """So often a rollout has to be looked at, whatever happens."""
        if isinstance(self.source_of(rollout), ScrapingSource):
            return rollout.spec.analysis.interval.total_seconds()
        return LONGEST_PAUSE_S

    def _learn(self, rollout: InferenceRollout) -> None:
        """Where nobody else keeps stable's past, it has to be looked at before a rollout."""
        source = self.source_of(rollout)
        goal = target(rollout)
        if not isinstance(source, ScrapingSource) or not goal.stable:
            return
        try:
            source.read(goal)
        except MetricsUnavailable:
            return  # Then the yardsticks say what could not be learned.

    def _is_due(self, rollout: InferenceRollout, now: datetime) -> bool:
        with self._lock:
            found = self._last.get(rollout.metadata.uid)
        began = rollout.status.step_started_at
        if found is None or (found[1] is None and rollout.status.phase in WATCHED):
            return True
        if began is not None and found[0] < began:
            return True  # What is counted from here on is all of this step.
        every_s = rollout.spec.analysis.interval.total_seconds()
        return (now - found[0]).total_seconds() >= SLACK * every_s

    def _keep(self, rollout: InferenceRollout, now: datetime, snapshot: Snapshot | None) -> None:
        with self._lock:
            self._last[rollout.metadata.uid] = (now, snapshot)

    def _of(self, rollout: InferenceRollout) -> Snapshot | None:
        with self._lock:
            return self._last.get(rollout.metadata.uid, (None, None))[1]


def target(rollout: InferenceRollout) -> Target:
    """Whose figures a rollout needs; while nothing is rolled out, those of what has the traffic."""
    status = rollout.status
    watched = status.phase in WATCHED
    resting = status.components.get(status.component, ComponentRecord()).stable
    return Target(
        namespace=rollout.metadata.namespace,
        stable=status.stable_revision if watched or not resting else resting,
        canary=status.canary_revision if watched else "",
        component=status.component,
        analysis=rollout.spec.analysis,
    )
