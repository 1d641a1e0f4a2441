"""More replicas before latency shows that they are needed: queues and memory inside of them.

A queue that is gone does not tell how many replicas keep it away. So what pressure asked for is
let go by halves, and each time that pressure comes back after that it is kept twice as long.
"""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from pilotlight.api.warmpool import Pressure, PressureMemory, Reason, Term
from pilotlight_autoscaler.observation import PREDICTOR, Sample, Signals
from pilotlight_autoscaler.policy.look import Look

FRESH_S = 60.0
TOLERANCE = 0.1
"""So much over its limit a sign may be, as with Kubernetes' horizontal pod autoscaler."""
MOST_AT_ONCE = 2.0
"""One look asks for no more than twice of what is there: the next one sees what it did."""
HOLD_S, LONGEST_HOLD_S = 120.0, 1800.0
FORGOTTEN_S = 3600.0


@dataclass(frozen=True)
class Pressed:
    """What pressure asks for, and what is remembered of it."""

    memory: PressureMemory | None
    words: str = ""


def pressed(look: Look) -> Pressed:
    """What follows from the strongest sign of pressure, and from those before."""
    pods = [one for one in look.service.revisions if one.component == PREDICTOR]
    ready = sum(one.ready for one in pods)
    signs = _signs(look.spec.pressure, look.seen.signals) if ready else []
    ratio, words = max(signs, default=(0.0, "no sign of pressure"))
    words = f"{words}, with {ready} ready"
    before = look.status.pressure
    if ratio > 1 + TOLERANCE:
        return Pressed(_raised(look, ceil(ready * min(ratio, MOST_AT_ONCE))), words)
    if before is None:
        return Pressed(None, words)
    return Pressed(_relieved(look, before, ceil(ready * ratio)), f"{words}: kept after pressure")


def pressure_term(found: Pressed) -> Term | None:
    """So many replicas that the strongest sign would be at its limit; ``None``: no need to."""
    if found.memory is None or not found.memory.replicas:
        return None
    return Term(reason=Reason.PRESSURE, replicas=found.memory.replicas, message=found.words)


def _raised(look: Look, replicas: int) -> PressureMemory:
    before = look.status.pressure
    hold_s = HOLD_S
    if before is not None:
        hold_s = min(LONGEST_HOLD_S, before.hold_seconds * (2 if before.lowered else 1))
        # Those that start already are not ready yet.
        replicas = max(replicas, before.replicas)
    most = look.spec.max_replicas
    return PressureMemory(replicas=min(replicas, most), at=look.now, hold_seconds=hold_s)


def _relieved(look: Look, before: PressureMemory, needed: int) -> PressureMemory | None:
    at = min(before.at, look.now)
    passed = look.now - at
    if passed >= timedelta(seconds=FORGOTTEN_S) and not before.replicas:
        return None
    if passed < timedelta(seconds=before.hold_seconds) or before.replicas <= needed:
        return before.model_copy(update={"at": at})
    if not before.replicas:
        return before
    lower = max(before.replicas // 2, needed)
    return before.model_copy(update={"replicas": lower, "at": look.now, "lowered": True})


def _signs(limits: Pressure, signals: Signals) -> list[tuple[float, str]]:
    rows = (
        ("{value:.1f} requests wait in each replica", signals.queue_depth, limits.queue_depth, 1),
        ("{value:.0f} % of the KV cache is in use", signals.kv_cache, limits.kv_cache_percent, 100),
        ("the GPUs are busy for {value:.0f} %", signals.gpu, limits.gpu_percent, 100),
    )
    return [
        (sample.value * scale / limit, f"{words.format(value=sample.value * scale)} of {limit:g}")
        for words, sample, limit, scale in rows
        if limit and sample is not None and _is_fresh(sample)
    ]


def _is_fresh(sample: Sample) -> bool:
    return sample.age_s <= FRESH_S and sample.value >= 0
