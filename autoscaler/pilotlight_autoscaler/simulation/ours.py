"""The warm pool's own policy in the simulator: ``decide``, as the controller calls it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from pilotlight.api.warmpool import WarmPoolPolicy, WarmPoolStatus
from pilotlight_autoscaler.demand import Recent
from pilotlight_autoscaler.learning import Learnt, learnt_from
from pilotlight_autoscaler.observation import Observation, Revision, Service
from pilotlight_autoscaler.policy.decide import LOOK_S, decide
from pilotlight_autoscaler.policy.look import REACTION_S
from pilotlight_autoscaler.policy.schedule import next_change
from pilotlight_autoscaler.simulation.policy import Seen, Wish
from pilotlight_autoscaler.simulation.service import ServiceModel

BIN_S = 60.0
LEARN_EVERY_S = 86400.0
REMEMBERED_S = 16 * 86400.0
LATELY_S = 600.0
GAPS = 50
AGE_PER_LOOK = 40.0
"""A service that has been idle for so many times 15 s is looked at less often, up to a minute."""


@dataclass
class Ours:
    """A WarmPool over one service, that learns as time goes on.

    Args:
        spec: What the user wants.
        service: Its starts.
        per_replica: Requests in flight that one replica is meant for.
        closest_look_s: Looks are not closer than this, except where a schedule changes.
    """

    spec: WarmPoolPolicy
    service: ServiceModel
    per_replica: float = 1.0
    closest_look_s: float = LOOK_S
    status: WarmPoolStatus = field(default_factory=WarmPoolStatus)
    reasons: dict[str, int] = field(default_factory=dict)
    """How often the floor rose for each reason."""

    def __post_init__(self) -> None:
        """Nothing was learnt yet."""
        self._started_s: float | None = None
        self._learn_at_s = -np.inf
        self._learnt: Learnt | None = None
        self._cold_start_s = float(np.quantile(self.service.starts, 0.95))

    def look(self, now_s: float, seen: Seen) -> Wish:
        """One look of the controller."""
        now = datetime.fromtimestamp(now_s, UTC)
        observation = self._observation(now_s, seen)
        if self.spec.forecast and now_s >= self._learn_at_s:
            self._learn(now_s, seen, observation, now)
            observation = self._observation(now_s, seen)
        decision = decide(self.spec, self.status, observation, now)
        before, self.status = self.status, decision.status
        if self.status.floor > before.floor:
            reason = self.status.reason.value
            self.reasons[reason] = self.reasons.get(reason, 0) + 1
        wait_s = min(self._pace_s(now_s, seen), self._change_s(now))
        if decision.next_look_s < LOOK_S:
            wait_s = decision.next_look_s
        return Wish(self.status.floor, now_s + max(wait_s, 1.0), self.status.message)

    def _change_s(self, now: datetime) -> float:
        """Until a schedule says something else."""
        ahead_s = self._cold_start_s + REACTION_S
        change = next_change(self.spec.schedules, now, ahead_s)
        return np.inf if change is None else (change - now).total_seconds()

    def _pace_s(self, now_s: float, seen: Seen) -> float:
        if seen.idle_since_s is None:
            return 4 * self.closest_look_s
        age_s = now_s - seen.idle_since_s
        return min(max(self.closest_look_s, age_s / AGE_PER_LOOK), 4 * self.closest_look_s)

    def _observation(self, now_s: float, seen: Seen) -> Observation:
        revision = Revision(
            "revision", percent=100, floor=seen.floor, ready=seen.ready, starting=seen.starting
        )
        return Observation(
            service=Service(
                "service", "simulated", revisions=(revision,), target_concurrency=self.per_replica
            ),
            recent=_recent(seen),
            forecast=self._learnt,
            cold_start_s=self._cold_start_s,
            gpus_per_replica=self.service.gpus,
        )

    def _learn(self, now_s: float, seen: Seen, observation: Observation, now: datetime) -> None:
        if self._started_s is None:
            self._started_s = now_s
        self._learn_at_s = now_s + LEARN_EVERY_S
        start_s = max(self._started_s, now_s - REMEMBERED_S)
        demand = seen.past.demand(start_s, BIN_S)
        found = learnt_from(demand, self.spec, self.status, observation, now)
        self._learnt = found or self._learnt


def _recent(seen: Seen) -> Recent:
    since_s = seen.idle_since_s
    lately = None
    if since_s is not None:
        lately = float(seen.past.arrivals(since_s - LATELY_S))
    return Recent(float(seen.in_flight), since_s, (), lately)
