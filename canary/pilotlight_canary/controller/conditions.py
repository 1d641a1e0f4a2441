"""The conditions of a rollout, as kstatus, ``kubectl wait`` and GitOps tools read them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pilotlight.api.meta import Condition
from pilotlight.api.rollout_status import InferenceRolloutStatus, Phase
from pilotlight_canary.observation import Interval, Silence
from pilotlight_canary.policy.course import ended

READY = "Ready"
RECONCILING = "Reconciling"
STALLED = "Stalled"
PROMOTED = "Promoted"
MEASURED = "Measured"
GOOD = frozenset({Phase.IDLE, Phase.SUCCEEDED})
Truth = Literal["True", "False", "Unknown"]


@dataclass(frozen=True)
class _Said:
    type: str
    status: Truth
    reason: str
    message: str


def conditions(
    status: InferenceRolloutStatus,
    before: Iterable[Condition],
    figures: Interval | Silence | None,
    generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """What a status means, beside the conditions that the policy has set itself.

    Args:
        status: As decided.
        before: The conditions so far: a time of transition is kept where nothing changes.
        figures: This look's; ``None`` leaves what was said of them.
        generation: Of the spec that was decided on.
    """
    known = {condition.type: condition for condition in before}
    said = [_ready(status), _reconciling(status), _stalled(status), _promoted(status)]
    if figures is not None and not ended(status):
        said.append(_measured(figures))
    # With nothing rolled out nothing is measured: an old silence must not stay said.
    others = [c for c in status.conditions if c.type != MEASURED or not ended(status)]
    own = {entry.type: _condition(entry, known.get(entry.type), generation, now) for entry in said}
    kept = {condition.type: condition for condition in others}
    return tuple((kept | own).values())


def _condition(said: _Said, before: Condition | None, generation: int, now: datetime) -> Condition:
    same = before is not None and before.status == said.status
    return Condition(
        type=said.type,
        status=said.status,
        reason=said.reason,
        message=said.message,
        last_transition_time=before.last_transition_time if before and same else now,
        observed_generation=generation,
    )


def _ready(status: InferenceRolloutStatus) -> _Said:
    ready: Truth = "True" if status.phase in GOOD else "False"
    return _Said(READY, ready, status.phase.value, status.reason)


def _reconciling(status: InferenceRolloutStatus) -> _Said:
    under_way: Truth = "False" if ended(status) else "True"
    return _Said(RECONCILING, under_way, status.phase.value, status.reason)


def _stalled(status: InferenceRolloutStatus) -> _Said:
    stalled: Truth = "True" if ended(status) and status.phase not in GOOD else "False"
    return _Said(STALLED, stalled, status.phase.value, status.reason)


def _promoted(status: InferenceRolloutStatus) -> _Said:
    if status.phase in (Phase.SUCCEEDED, Phase.WATCHING):
        return _Said(PROMOTED, "True", status.phase.value, status.reason)
    if ended(status) and status.phase is not Phase.IDLE:
        return _Said(PROMOTED, "False", status.phase.value, status.reason)
    return _Said(PROMOTED, "Unknown", status.phase.value, status.reason)


def _measured(figures: Interval | Silence) -> _Said:
    if isinstance(figures, Silence):
        return _Said(MEASURED, "False", "Silence", figures.reason)
    return _Said(MEASURED, "True", "Figures", "")
