"""What people ask for with ``pilotlight rollout``: carried out once, or answered why not."""

from collections.abc import Callable

from pilotlight.api.rollout_status import ComponentRecord, Phase, TaskState
from pilotlight_canary.observation import Action
from pilotlight_canary.policy import task
from pilotlight_canary.policy.course import UNDECIDED, ended, undecided
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.outcome import take_back
from pilotlight_canary.statistics.evidence import SAMPLE_RATIO


def with_wish(look: Look, canary: str) -> Look:
    """With the person's request carried out, if there is one that was not.

    Args:
        canary: Identity of the version that was rolled out when the person asked.
    """
    request = look.seen.request
    if request is None or request.id == look.status.handled_request:
        return look
    look = look.but(handled_request=request.id, refusal="")
    if canary != look.status.template_hash:
        return _refused(look, request.action, "another version has come in between")
    return _RULES[request.action](look, request.by or "somebody")


def _pause(look: Look, who: str) -> Look:
    if not undecided(look.status) or look.status.weight == 100:
        return _refused(look, "pause", "no version is on its way (spec.suspend stops the next one)")
    return look.but(paused=True).say("PausedByPerson", f"{who} paused it")


def _resume(look: Look, who: str) -> Look:
    if not undecided(look.status):
        return _refused(look, "resume", "no version is on its way")
    # Whoever resumes has seen to the split, and gives the step its time once more.
    evidence = tuple(entry for entry in look.status.evidence if entry.check != SAMPLE_RATIO)
    waiting = look.now if look.status.waiting_since else None
    return look.but(
        paused=False, evidence=evidence, watched_seconds=0.0, waiting_since=waiting
    ).say("ResumedByPerson", f"{who} resumed it")


def _promote(look: Look, who: str) -> Look:
    if not undecided(look.status) or look.canary is None:
        return _refused(look, "promote", "there is no canary to promote")
    if look.spec.suspend:
        return _refused(look, "promote", "the rollout is suspended (spec.suspend)")
    if look.status.phase is Phase.PROMOTING:
        return look.but(paused=False)
    reason = f"{who} promoted it, without waiting for more evidence"
    return look.to(Phase.PROMOTING, reason, paused=False, waiting_since=look.now).warn(
        "PromotedByPerson", reason, notify=True
    )


def _abort(look: Look, who: str) -> Look:
    if not undecided(look.status) and look.status.phase is not Phase.WATCHING:
        return _refused(look, "abort", "no version is on its way")
    return take_back(look, f"{who} aborted it", announced="AbortedByPerson")


def _approve(look: Look, who: str) -> Look:
    status = look.status
    if status.phase not in UNDECIDED or not status.step or ended(status):
        return _refused(look, "approve", "no step waits for a person")
    weight = look.step_weight
    needs = weight in look.spec.analysis.pause_weights
    limit = look.spec.analysis.max_duration.total_seconds()
    undecided_step = (
        look.spec.analysis.on_inconclusive == "hold" and status.watched_seconds >= limit
    )
    if not needs and not undecided_step:
        return _refused(look, "approve", f"{weight} % needs nobody's approval")
    names = [task.approval(weight)] * needs + [task.going_on(weight)] * undecided_step
    tasks = {**status.tasks, **dict.fromkeys(names, TaskState.PASSED)}
    return look.but(tasks=tasks).say("Approved", f"{who} approved {weight} %")


def _retry(look: Look, who: str) -> Look:
    status = look.status
    tried = any(record.rejected for record in status.components.values())
    if not ended(status) or not (tried or status.phase is Phase.NO_CAPACITY):
        return _refused(look, "retry", "nothing was taken back or refused")
    lifted = {
        component: ComponentRecord(stable=record.stable)
        for component, record in status.components.items()
    }
    return look.to(
        Phase.IDLE, f"{who} asked for another try", components=lifted, template_hash=""
    ).say("Retried", f"{who} asked for another try")


def _refused(look: Look, action: str, why: str) -> Look:
    return look.but(refusal=why).warn("RequestRefused", f"{action}: {why}")


_RULES: dict[Action, Callable[[Look, str], Look]] = {
    Action.PAUSE: _pause,
    Action.RESUME: _resume,
    Action.PROMOTE: _promote,
    Action.ABORT: _abort,
    Action.APPROVE: _approve,
    Action.RETRY: _retry,
}
