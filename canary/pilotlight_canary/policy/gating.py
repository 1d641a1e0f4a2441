"""At 0 %: golden prompts, shadow traffic and webhooks speak before people's requests do."""

from pilotlight.api.rollout_status import Phase, TaskState
from pilotlight_canary.observation import Role
from pilotlight_canary.policy import task
from pilotlight_canary.policy.limits import crashing
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.outcome import take_back


def gating(look: Look) -> Look:
    """Wait for every gate; one that refuses takes the canary back."""
    if crashed := crashing(look):
        return take_back(look, crashed)
    gates = _gates(look)
    if _compares(look) and look.route(Role.STABLE) is None:
        return look.stay("waits for our Route to stable: the gate asks both versions")
    look = task.asked(look, *gates)
    if refused := task.first_in(look, TaskState.REFUSED, gates):
        return take_back(look, task.told(look, refused), announced="GateRefused")
    waiting = [task.told(look, name) for name in gates if not task.passed(look, name)]
    if waiting:
        return look.stay(f"waits for {', '.join(waiting)}")
    if not look.weights:
        return _promote_at_once(look)
    look = look.to(
        Phase.PROGRESSING,
        f"is about to get {look.weights[0]} % of the traffic",
        step=1,
        waiting_since=look.now,
        step_started_at=None,
        watched_seconds=0.0,
    )
    return look.say("GatesPassed", f"{look.status.canary_revision}: {_names(gates)} at 0 %")


def _gates(look: Look) -> tuple[str, ...]:
    offline = (task.OFFLINE_GATE,) if look.spec.offline_gate is not None else ()
    shadow = (task.SHADOW,) if look.spec.analysis.mirror_weight else ()
    return (*offline, *shadow, *task.hooks(look, "pre-rollout"))


def _compares(look: Look) -> bool:
    return look.spec.offline_gate is not None or look.spec.analysis.mirror_weight > 0


def _promote_at_once(look: Look) -> Look:
    reason = "the spec has no step below 100 %: it is promoted without comparison"
    return look.to(Phase.PROMOTING, reason, waiting_since=look.now)


def _names(gates: tuple[str, ...]) -> str:
    return f"{', '.join(gates)} passed" if gates else "ready"
