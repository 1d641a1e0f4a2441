"""More replicas before latency shows that they are needed: queues and memory inside of them."""

from math import ceil

from pilotlight.api.warmpool import Pressure, Reason, Term
from pilotlight_autoscaler.observation import PREDICTOR, Sample, Service, Signals

FRESH_S = 60.0
TOLERANCE = 0.1
"""So much over its limit a sign may be, as with Kubernetes' horizontal pod autoscaler."""
MOST_AT_ONCE = 2.0
"""One look asks for no more than twice of what is there: the next one sees what it did."""


def pressure_term(
    limits: Pressure, signals: Signals, service: Service, before: int = 0
) -> Term | None:
    """So many replicas that the strongest sign would be at its limit; ``None``: no need to.

    Args:
        limits: Of the spec.
        signals: As the replicas show them.
        service: How many there are.
        before: What was asked for before: as long as it is of use, it is not let go.
    """
    ready = sum(one.ready for one in service.revisions if one.component == PREDICTOR)
    signs = _signs(limits, signals)
    if not ready or not signs:
        return None
    ratio, words = max(signs)
    replicas = ceil(ready * min(ratio, MOST_AT_ONCE))
    if ratio <= 1 + TOLERANCE:
        replicas = min(before, replicas)
    if not replicas:
        return None
    return Term(reason=Reason.PRESSURE, replicas=replicas, message=f"{words}, with {ready} ready")


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
