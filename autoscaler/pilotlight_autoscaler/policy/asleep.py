"""How many replicas are kept asleep, besides those that are warm."""

from collections.abc import Iterator
from itertools import accumulate, pairwise

from pilotlight.api.warmpool import Asleep
from pilotlight_autoscaler.demand import Recent
from pilotlight_autoscaler.policy.expected import expected_terms
from pilotlight_autoscaler.policy.look import Look
from pilotlight_autoscaler.policy.prices import economics, ladder
from pilotlight_autoscaler.policy.sight import Sight


def asleep(look: Look, floor: int, sight: Sight) -> tuple[Asleep, ...]:
    """By level, what is not worth being warm and too dear to lose.

    Each rung of the ladder of tiers asks the same question as the floor, with its own prices and
    its own horizon: what is kept at a tier or above it. While nobody sees the demand it stays.
    """
    tiers, recent = ladder(look), look.seen.recent
    levels = [tier.level for tier in tiers if tier.level]
    if not levels or not look.spec.forecast:
        return ()
    if sight is not Sight.FRESH or recent is None:
        return look.status.asleep
    kept = [floor, *_kept(look, recent)]
    if tiers[-1].level:
        # To keep it asleep costs nothing: there is no reason to ever lose it.
        kept.append(look.spec.max_replicas)
    above = accumulate(kept, max)
    return tuple(
        Asleep(level=level, replicas=below - upper)
        for level, (upper, below) in zip(levels, pairwise(above), strict=True)
        if below > upper
    )


def _kept(look: Look, recent: Recent) -> Iterator[int]:
    for price in economics(look)[1:]:
        found = expected_terms(look.seen.forecast, recent, price, look.now.timestamp())
        wanted = max((term.replicas for term in found), default=0)
        yield min(wanted, look.spec.max_replicas)
