"""All terms of the floor: the largest is what is wanted."""

from collections.abc import Iterable

from pilotlight.api.warmpool import Reason, Term
from pilotlight_autoscaler.policy.expected import expected_terms
from pilotlight_autoscaler.policy.fail_safe import safe_floor
from pilotlight_autoscaler.policy.look import Look
from pilotlight_autoscaler.policy.minimum import minimum_term
from pilotlight_autoscaler.policy.pressure import pressed, pressure_term
from pilotlight_autoscaler.policy.prices import economics
from pilotlight_autoscaler.policy.schedule import schedule_term
from pilotlight_autoscaler.policy.sight import Sight

LEARNT = (Reason.FORECAST, Reason.IDLE_HISTOGRAM, Reason.KEEP_ALIVE)
_FIRST = (Reason.FAIL_SAFE, Reason.SCHEDULE, Reason.FORECAST, Reason.IDLE_HISTOGRAM)
"""Of equal terms the first of these is named."""


def terms(look: Look, sight: Sight) -> tuple[Term, ...]:
    """What each term asks for at this look."""
    given = (
        minimum_term(look.spec),
        schedule_term(look.spec.schedules, look.now, look.ahead_s),
        pressure_term(pressed(look)),
        *_expected(look, sight),
    )
    return _largest_of_each(term for term in given if term is not None)


def largest(among: Iterable[Term]) -> Term:
    """The one that decides."""
    return max(among, key=lambda term: (term.replicas, -_rank(term.reason)))


def _expected(look: Look, sight: Sight) -> tuple[Term, ...]:
    if sight is Sight.BLIND:
        return (safe_floor(look.spec, look.now),)
    if not look.spec.forecast:
        return ()
    recent = look.seen.recent
    if sight is Sight.STALE or recent is None:
        return tuple(term for term in look.status.terms if term.reason in LEARNT)
    return expected_terms(look.seen.forecast, recent, economics(look)[0], look.now.timestamp())


def _largest_of_each(given: Iterable[Term]) -> tuple[Term, ...]:
    by_reason: dict[Reason, Term] = {}
    for term in given:
        held = by_reason.get(term.reason)
        if held is None or term.replicas > held.replicas:
            by_reason[term.reason] = term
    return tuple(by_reason.values())


def _rank(reason: Reason) -> int:
    return _FIRST.index(reason) if reason in _FIRST else len(_FIRST)
