"""One look at a rollout: read, observe, decide, store, act."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from pilotlight.api.meta import Mode
from pilotlight.api.rollout import InferenceRollout, RolloutPolicy
from pilotlight.api.rollout_status import InferenceRolloutStatus, Yardsticks
from pilotlight.clock import Clock
from pilotlight.errors import PilotlightError
from pilotlight.kube.cluster import Cluster
from pilotlight_canary.controller.conditions import conditions
from pilotlight_canary.controller.doorbell import Key
from pilotlight_canary.controller.store import Stored, read, write_status
from pilotlight_canary.decision import Decision, Desired
from pilotlight_canary.observation import (
    Interval,
    Observation,
    Request,
    Service,
    Silence,
    TaskResult,
)
from pilotlight_canary.request import request_of
from pilotlight_canary.statistics.evidence import begin
from pilotlight_canary.statistics.plan import plan_of
from pilotlight_canary.timeline import name_of

logger = logging.getLogger(__name__)


class Surroundings(Protocol):
    """Sees what is around a rollout."""

    def observe(self, rollout: InferenceRollout) -> Observation:
        """All but figures, tasks and requests."""
        ...


class Figures(Protocol):
    """Remembers the counters of the last reading."""

    def interval(
        self, rollout: InferenceRollout, seen: Observation, now: datetime
    ) -> Interval | Silence | None:
        """What the counters did since; ``None``: none was due, or it is the first."""
        ...

    def yardsticks(self, rollout: InferenceRollout) -> Yardsticks:
        """What stable kept to until now."""
        ...

    def longest_pause_s(self, rollout: InferenceRollout) -> float:
        """So often a rollout has to be looked at, whatever happens."""
        ...


class Decide(Protocol):
    """The policy."""

    def __call__(
        self,
        spec: RolloutPolicy,
        status: InferenceRolloutStatus,
        observation: Observation,
        now: datetime,
    ) -> Decision: ...


class Enrolment(Protocol):
    """Whom the API server asks the webhooks about."""

    def ensure(self, namespace: str, service: str) -> None:
        """This InferenceService is one of them from now on."""
        ...


class Actor(Protocol):
    """Makes the cluster as it shall be."""

    def carry_out(
        self, rollout: InferenceRollout, service: Service | None, desired: Desired
    ) -> None:
        """Write what differs."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What a look came to.

    Args:
        stored: The rollout as it is stored now.
        before: Its status until now.
        seen: What it was decided from.
        decision: What was decided.
        fault: Why not all of it was carried out, if so: the next look tries again.
    """

    stored: Stored
    before: InferenceRolloutStatus
    seen: Observation
    decision: Decision
    fault: PilotlightError | None = None

    @property
    def rollout(self) -> InferenceRollout:
        return self.stored.rollout

    @property
    def is_dry(self) -> bool:
        """Nothing was to be carried out."""
        return self.rollout.spec.mode is Mode.DRY_RUN

    @property
    def begins_step(self) -> bool:
        """The gateway splits as the step says from now on: counting begins."""
        return self.rollout.status.step_started_at not in (None, self.before.step_started_at)


@dataclass(frozen=True)
class Looks:
    """Looks at rollouts; blocking.

    Args:
        cluster: Where the rollouts are.
        surroundings: Sees.
        figures: Counts.
        decide: Decides.
        let_go: Decides what to leave behind.
        actor: Acts.
        clock: Time of the decisions.
        enrolment: Of the targets with the webhooks; ``None``: there are none.
    """

    cluster: Cluster
    surroundings: Surroundings
    figures: Figures
    decide: Decide
    let_go: Decide
    actor: Actor
    clock: Clock
    enrolment: Enrolment | None = None

    def look(self, key: Key, tasks: Mapping[str, TaskResult]) -> Outcome | None:
        """Look once; ``None`` if there is no such rollout, or it is about to go.

        Args:
            key: Whose look.
            tasks: What became of the tasks that were asked for.

        Raises:
            Conflict: Somebody wrote to the rollout meanwhile; nothing was done.
            PilotlightError: It was not decided.
        """
        stored = read(self.cluster, *key)
        if stored is None or stored.rollout.metadata.deletion_timestamp is not None:
            return None
        rollout, now = stored.rollout, self._now()
        if self.enrolment is not None:
            # Before the target is looked at: what changes after that is held.
            self.enrolment.ensure(key[0], rollout.spec.target_ref.name)
        seen = self.surroundings.observe(rollout)
        seen = replace(
            seen,
            interval=self.figures.interval(rollout, seen, now),
            tasks=tasks,
            request=_new_request(stored),
        )
        decision = self.decide(rollout.spec, rollout.status, seen, now)
        status = self._measured(rollout, _completed(stored, decision.status, seen, now))
        stored = write_status(self.cluster, stored, status)
        outcome = Outcome(stored, rollout.status, seen, decision)
        return outcome if outcome.is_dry else self._act(outcome)

    def release(self, key: Key) -> bool:
        """Leave the surroundings of a rollout that goes away as they should stay; whether it is
        done.

        Raises:
            PilotlightError: Something is left to do.
        """
        stored = read(self.cluster, *key)
        if stored is None or stored.rollout.spec.mode is Mode.DRY_RUN:
            return True
        rollout, now = stored.rollout, self._now()
        seen = self.surroundings.observe(rollout)
        decision = self.let_go(rollout.spec, rollout.status, seen, now)
        stored = write_status(self.cluster, stored, decision.status)
        self.actor.carry_out(stored.rollout, seen.service, decision.desired)
        for announcement in decision.announcements:
            logger.info("%s/%s: %s", *key, announcement.message)
        return decision.next_look_s <= 0

    def _act(self, outcome: Outcome) -> Outcome:
        try:
            desired = outcome.decision.desired
            self.actor.carry_out(outcome.rollout, outcome.seen.service, desired)
        except PilotlightError as error:
            return replace(outcome, fault=error)
        return outcome

    def _measured(
        self, rollout: InferenceRollout, status: InferenceRolloutStatus
    ) -> InferenceRolloutStatus:
        """With what stable kept to, if a rollout begins with this look."""
        begins = status.started_at != rollout.status.started_at
        if status.started_at is None or not begins:
            return status
        begun = rollout.model_copy(update={"status": status})
        yardsticks = self.figures.yardsticks(begun)
        evidence = begin(plan_of(rollout.spec.analysis), yardsticks.dispersion)
        return status.model_copy(update={"yardsticks": yardsticks, "evidence": evidence})

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.time(), UTC)


def _new_request(stored: Stored) -> Request | None:
    request = request_of(stored.document)
    if request is None or request.id == stored.status.handled_request:
        return None
    return request


def _completed(
    stored: Stored, status: InferenceRolloutStatus, seen: Observation, now: datetime
) -> InferenceRolloutStatus:
    """The policy's status with what follows from it."""
    metadata = stored.rollout.metadata
    said = conditions(status, stored.status.conditions, seen.interval, metadata.generation, now)
    timeline = name_of(metadata.name) if status.started_at else status.timeline
    return status.model_copy(
        update={
            "conditions": said,
            "observed_generation": metadata.generation,
            "timeline": timeline,
        }
    )
