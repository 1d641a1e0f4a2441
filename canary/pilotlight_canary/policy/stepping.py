"""The steps: capacity first, then the weight, then evidence until it is enough."""

from pilotlight.api.rollout_status import Phase, TaskState
from pilotlight_canary.observation import Silence
from pilotlight_canary.policy import task
from pilotlight_canary.policy.capacity import pods_for, shortage
from pilotlight_canary.policy.figures import has_figures, past_limit, with_figures
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.outcome import give_up, take_back
from pilotlight_canary.policy.words import lasting, several
from pilotlight_canary.statistics.verdict import Outcome, Verdict

NO_FIGURES = "held, because there are no figures"


def stepping(look: Look) -> Look:
    """One look in a step: back, stop, wait for the split, or weigh the evidence."""
    look = task.asked(look, *task.hooks(look, "rollout"), *task.hooks(look, "rollback"))
    look = with_figures(look)
    found = look.judge.judge(look.status.evidence, look.spec.analysis)
    if why := back_because(look, found):
        return take_back(look, why)
    if look.stopped_by:
        return paused(look, f"{_where(look)}: {look.stopped_by}", "Paused")
    if found.outcome is Outcome.MIS_SPLIT:
        return paused(look, f"{_where(look)}: {found.sentence}", "SampleRatioMismatch")
    if look.status.weight != look.step_weight:
        return _heavier(look)
    if look.status.step_started_at is None:
        return _split(look)
    return _weighed(look, found)


def back_because(look: Look, found: Verdict) -> str:
    """Why the canary has to be taken back now; empty: it has not."""
    if look.canary is None:
        return f"{look.status.canary_revision} is gone"
    if passed := past_limit(look):
        return passed
    if told := task.first_in(look, TaskState.PASSED, task.hooks(look, "rollback")):
        return task.told(look, told)
    return found.sentence if found.outcome is Outcome.WORSE else ""


def paused(look: Look, reason: str, announced: str) -> Look:
    """Stay at this weight until what stops it is gone."""
    if look.status.phase is Phase.PAUSED:
        return look.stay(reason)
    return look.to(Phase.PAUSED, reason, waiting_since=None).warn(announced, reason, notify=True)


def _heavier(look: Look) -> Look:
    weight = look.step_weight
    pods, have = pods_for(look, weight), look.canary_pods
    look = look.but(waiting_since=look.status.waiting_since or look.now)
    if have.ready < pods:
        short = shortage(look, pods)
        if look.waited_too_long and short:
            return give_up(look, f"no room for the step to {weight} %: {short}")
        if look.waited_too_long:
            why = have.crash or "they do not get ready"
            reason = f"{have.ready} of {several(pods, 'pod')} for {weight} % are ready: {why}"
            return take_back(look, reason)
        reason = f"{weight} % need {several(pods, 'pod')}, {have.ready} ready"
        return _going(look, f"{reason}: {short}" if short else reason)
    message = f"{look.status.canary_revision} gets {weight} % of the traffic"
    look = look.but(weight=weight, step_started_at=None, waiting_since=look.now)
    return _going(look, message).say("StepStarted", message)


def _split(look: Look) -> Look:
    weight = look.status.weight
    if look.canary_share != weight:
        return _going(look, f"waits until the gateway sends {weight} % to the canary")
    look = look.but(step_started_at=look.now, waiting_since=None, watched_seconds=0.0)
    if weight in look.spec.analysis.pause_weights:
        look = task.asked(look, task.approval(weight))
    return _going(look, f"{_where(look)}: waits for figures")


def _weighed(look: Look, found: Verdict) -> Look:
    analysis, watched = look.spec.analysis, look.status.watched_seconds
    enough = is_enough(look, found)
    late = not enough and watched >= analysis.max_duration.total_seconds()
    if isinstance(look.seen.interval, Silence):
        return _silent(look, look.seen.interval)
    if not enough and not late:
        is_waiting = look.seen.interval is None and look.status.phase is Phase.PROGRESSING
        return look if is_waiting else _going(look, f"{_where(look)}: {found.sentence}")
    if late:
        reason = _inconclusive(look, found)
        if analysis.on_inconclusive == "rollback":
            return take_back(look, f"{reason}; onInconclusive: rollback")
        said = task.passed(look, task.going_on(look.status.weight))
        if analysis.on_inconclusive == "hold" and not said:
            return paused(look, f"{reason}; onInconclusive: hold, a person decides", "Inconclusive")
    if gate := _closed_gate(look):
        look = task.asked(look, gate)
        if not task.passed(look, gate):
            return paused(look, f"{_where(look)}: waits for {task.told(look, gate)}", "GateClosed")
    if not has_figures(look):
        return look if look.status.phase is Phase.PROGRESSING else _going(look, "goes on")
    return _next(look, _inconclusive(look, found) if late else found.sentence, late=late)


def is_enough(look: Look, found: Verdict) -> bool:
    """Step k of n may be left with k/n of the evidence, the last one with all of it.

    Every step is seen for one interval at least: what only breaks under load shows there.
    """
    if look.status.watched_seconds <= 0:
        return False
    steps = len(look.weights)
    if look.status.step >= steps:
        return found.outcome is Outcome.GOOD
    return found.progress >= look.status.step / steps


def _next(look: Look, reason: str, *, late: bool) -> Look:
    if late:
        look = look.warn("Inconclusive", f"{reason}; onInconclusive lets it go on", notify=True)
    look = look.but(waiting_since=look.now, watched_seconds=0.0)
    if look.status.step >= len(look.weights):
        return look.to(Phase.PROMOTING, reason).say("Promoting", reason, notify=True)
    look = look.but(step=look.status.step + 1)
    return _going(look, reason)


def _closed_gate(look: Look) -> str:
    weight = look.status.weight
    gates: list[str] = []
    if weight in look.spec.analysis.pause_weights:
        gates.append(task.approval(weight))
    if look.status.step >= len(look.weights):
        gates.extend(task.hooks(look, "confirm-promotion"))
    return next((gate for gate in gates if not task.passed(look, gate)), "")


def _going(look: Look, reason: str) -> Look:
    if look.status.phase is Phase.PAUSED:
        look = look.say("Resumed", reason)
    return look.to(Phase.PROGRESSING, reason)


def _silent(look: Look, silence: Silence) -> Look:
    reason = f"{_where(look)}: {NO_FIGURES} ({silence.reason})"
    if NO_FIGURES in look.status.reason:
        return look.stay(reason)
    return look.stay(reason).warn("NoFigures", reason)


def _inconclusive(look: Look, found: Verdict) -> str:
    entries = (entry for entry in look.status.evidence if entry.check == found.check)
    requests = max((entry.canary_total for entry in entries), default=0)
    return (
        f"{_where(look)}: undecided after {lasting(look.spec.analysis.max_duration)}; "
        f"{several(requests, 'request')} counted at the canary so far are too few for the "
        "budgets "
        f"({found.sentence})"
    )


def _where(look: Look) -> str:
    return f"{look.status.weight} %, step {look.status.step} of {len(look.weights)}"
