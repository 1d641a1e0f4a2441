"""Hard limits: what ends a rollout without statistics."""

from pilotlight.api.rollout_status import TaskState
from pilotlight_canary.observation import Interval
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.task import first_in, hooks, told
from pilotlight_canary.policy.words import several

FEWEST_ANSWERS = 10
"""One failed request of one is no storm: with fewer the evidence decides."""


def broken(look: Look) -> str:
    """The hard limit that the canary has passed now, in words; empty: none."""
    refused = first_in(look, TaskState.REFUSED, hooks(look, "rollout"))
    return (
        crashing(look) or _down(look) or _failing(look) or (told(look, refused) if refused else "")
    )


def crashing(look: Look) -> str:
    """Its containers do not stay up."""
    pods, most = look.canary_pods, look.spec.analysis.hard_limits.max_restarts
    if pods.restarts <= most:
        return ""
    said = pods.crash or pods.ended
    why = f" ({said})" if said else ""
    times = several(pods.restarts, "time")
    return f"the canary's containers were restarted {times}{why}, {most} are allowed"


def _down(look: Look) -> str:
    if look.status.step_started_at is None or not look.status.weight or look.canary_pods.ready:
        return ""
    why = look.canary_pods.crash or (look.canary.message if look.canary else "it is gone")
    return f"none of the canary's pods is ready{f' ({why})' if why else ''}"


def _failing(look: Look) -> str:
    figures, limits = look.seen.interval, look.spec.analysis.hard_limits
    if not isinstance(figures, Interval):
        return ""
    ratio, answers = figures.canary_error_ratio, _answers(figures)
    enough = answers is None or answers >= FEWEST_ANSWERS
    if ratio is not None and ratio > limits.max_error_ratio and enough:
        among = "" if answers is None else f" of {answers}"
        return (
            f"{100 * ratio:.3g} %{among} of the canary's answers in {figures.seconds:.0f} s "
            f"failed, {100 * limits.max_error_ratio:g} % are allowed"
        )
    if figures.canary_stall_s > limits.max_stall_seconds:
        return (
            f"the canary's engine has had work for {figures.canary_stall_s:.0f} s without a step, "
            f"{limits.max_stall_seconds} s are allowed"
        )
    return ""


def _answers(figures: Interval) -> int | None:
    seen = [
        counts.canary_total for (check, _), counts in figures.counts.items() if check == "errors"
    ]
    if seen:
        return sum(seen)
    arrivals = [canary for canary, _ in figures.arrivals.values()]
    return sum(arrivals) if arrivals else None
