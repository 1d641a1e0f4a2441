"""How a rollout ends: its line in the history, what is released, what is not tried again."""

from pilotlight.api.rollout_status import PastRollout, Phase
from pilotlight_canary.policy.capacity import afterglow
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.memory import recorded
from pilotlight_canary.policy.task import asked, hooks
from pilotlight_canary.policy.version import is_new, version

LONGEST_HISTORY = 20


def take_back(look: Look, reason: str, *, announced: str = "RollingBack") -> Look:
    """All of the traffic to stable, and the version is not tried again until it changes.

    A component that was changed in the same breath is not tried either: it was made for this one.
    """
    look = recorded(look, look.status.component, rejected=look.status.template_hash)
    for component, view in look.service.components.items():
        record = look.status.components.get(component)
        if component is look.status.component or record is None or not record.stable:
            continue
        if is_new(look.service, view, record.stable):
            rejected = version(look.service, view, record.stable).identity
            look = recorded(look, component, rejected=rejected)
    return _back(look, reason, announced)


def give_up(look: Look, reason: str) -> Look:
    """All of the traffic to stable; the version is not to blame, ``retry`` tries it again."""
    return _back(look, reason, "NoCapacity")


def finished(look: Look, outcome: Phase, reason: str, *, announced: str, message: str = "") -> Look:
    """The end: one line of history, webhooks told, floors and Routes released."""
    status = look.status
    line = PastRollout(
        revision=status.canary_revision or status.template_hash,
        component=status.component,
        outcome=outcome,
        reason=reason,
        started_at=status.started_at or look.now,
        ended_at=look.now,
    )
    history = (*status.history, line)[-LONGEST_HISTORY:]
    look = look.to(
        outcome, reason, history=history, waiting_since=None, returning=False, paused=False
    )
    if outcome is not Phase.SUCCEEDED:
        look = afterglow(look)
    look = asked(look, *hooks(look, "post-rollout"))
    speak = look.say if outcome is Phase.SUCCEEDED else look.warn
    return speak(announced, message or reason, notify=True)


def _back(look: Look, reason: str, announced: str) -> Look:
    look = recorded(look, look.status.component, stable=look.status.stable_revision)
    return look.to(
        Phase.ROLLING_BACK, reason, weight=0, waiting_since=look.now, rollback_until=None
    ).warn(announced, reason, notify=True)
