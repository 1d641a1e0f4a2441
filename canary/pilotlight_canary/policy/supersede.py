"""Another change while a version is on its way, or just promoted: begin again, at 0 %."""

from pilotlight.api.rollout_status import PastRollout, Phase
from pilotlight_canary.policy.course import UNDECIDED
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.memory import recorded
from pilotlight_canary.policy.outcome import LONGEST_HISTORY
from pilotlight_canary.policy.start import begin
from pilotlight_canary.policy.unheld import reported
from pilotlight_canary.policy.version import Version, is_new, version
from pilotlight_canary.policy.watching import succeeded


def supersede(look: Look) -> Look:
    """The rollout of what the spec says now; the one before gets no more of the traffic."""
    if look.status.phase is Phase.WATCHING:
        return _after_promotion(look)
    if look.status.phase not in UNDECIDED:
        return look
    status = look.status
    if taken := _taken(look):
        return _unheld(look, taken)
    if not is_new(look.service, look.view, status.stable_revision):
        return _withdrawn(look)
    wanted = version(
        look.service,
        look.view,
        status.stable_revision,
        status.template_hash,
        returning=status.returning,
    )
    if _is_same(look, wanted):
        return look.but(canary_revision=wanted.revision or status.canary_revision)
    look = _closed(look, f"superseded by {wanted.revision or wanted.identity}")
    look = begin(look, status.component, wanted)
    look = look.warn("Superseded", _told(look, status.canary_revision, wanted), notify=True)
    if wanted.identity == look.record.rejected:
        # Held at 0 % like the first time; not tried again.
        reason = f"{wanted.identity} was rejected before: held at 0 %, `retry` tries it again"
        return look.to(Phase.ROLLED_BACK, reason)
    return look


def _taken(look: Look) -> str:
    """A revision that has all of the traffic against our will, where stable is asleep.

    Nobody looked for a while: to go back to a cold version would be the outage.
    """
    view, stable = look.view, look.stable
    newest = view.rolled_out
    if look.status.weight == 100 or newest in ("", look.status.stable_revision):
        return ""
    has_all = view.percent in (None, 100) and view.traffic.get(newest, 0) == 100
    is_cold = stable is None or not stable.pods.ready
    return newest if has_all and is_cold and newest in look.service.revisions else ""


def _unheld(look: Look, taken: str) -> Look:
    reason = (
        f"{taken} got all of the traffic while nobody looked, and "
        f"{look.status.stable_revision} has no pods any more: {taken} is stable from now on"
    )
    look = recorded(_closed(look, reason), look.status.component, stable=taken)
    return reported(_at_rest(look, reason), reason)


def _is_same(look: Look, wanted: Version) -> bool:
    status = look.status
    known = status.canary_revision
    return status.template_hash == wanted.identity and (
        not known or not wanted.revision or wanted.revision == known
    )


def _after_promotion(look: Look) -> Look:
    status = look.status
    if look.canary is None or not is_new(look.service, look.view, status.canary_revision):
        return look
    newest = look.view.latest_created
    return succeeded(look, f"{status.canary_revision} had been promoted when {newest} came")


def _withdrawn(look: Look) -> Look:
    # No new revision is there any more, and the spec asks for none.
    reason = f"{look.status.canary_revision or 'the change'} is gone: nothing is rolled out"
    look = _closed(look, reason)
    look = recorded(look, look.status.component, stable=look.status.stable_revision)
    return _at_rest(look, reason).warn("Withdrawn", reason, notify=True)


def _at_rest(look: Look, reason: str) -> Look:
    return look.to(
        Phase.IDLE, reason, weight=0, step=0, waiting_since=None, returning=False, paused=False
    )


def _closed(look: Look, reason: str) -> Look:
    status = look.status
    line = PastRollout(
        revision=status.canary_revision or status.template_hash,
        component=status.component,
        outcome=status.phase,
        reason=reason,
        started_at=status.started_at or look.now,
        ended_at=look.now,
    )
    return look.but(history=(*status.history, line)[-LONGEST_HISTORY:])


def _told(look: Look, before: str, wanted: Version) -> str:
    name = wanted.revision or wanted.identity
    back = " (stable's own template again)" if wanted.returning else ""
    return (
        f"{name}{back} supersedes {before or 'the change before'}: it starts at 0 %, "
        f"{look.status.stable_revision} keeps the traffic"
    )
