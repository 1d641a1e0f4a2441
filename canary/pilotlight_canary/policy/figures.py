"""What a look's figures do to the status: evidence, and hard limits in a row."""

from pilotlight_canary.observation import Interval
from pilotlight_canary.policy.limits import broken
from pilotlight_canary.policy.look import Look

STRADDLE_S = 1.0
"""So much longer than the step itself an interval may be: readings are not taken to the second."""


def with_figures(look: Look) -> Look:
    """Each interval counts once, however often it is decided on."""
    status, interval = look.status, look.seen.interval
    if interval is None or (status.observed_at is not None and status.observed_at >= look.now):
        return look
    look = look.but(observed_at=look.now)
    if broken(look):
        look = look.but(over_limit=status.over_limit + 1)
    elif isinstance(interval, Interval):
        look = look.but(over_limit=0)
    if not isinstance(interval, Interval) or not is_of_this_step(look, interval):
        return look
    # At 100 % there is no stable to compare with: the hard limits remain.
    if status.weight < 100:
        weighed = look.judge.weigh(status.evidence, interval, look.spec.analysis, status.weight)
        look = look.but(evidence=weighed)
        progress = look.judge.judge(weighed, look.spec.analysis).progress
        look = look.but(progress=min(100, int(100 * progress)))
    # Where one source was silent, what it counted comes later, with an interval that overlaps.
    elapsed_s = (look.now - (status.step_started_at or look.now)).total_seconds()
    return look.but(watched_seconds=min(status.watched_seconds + interval.seconds, elapsed_s))


def is_of_this_step(look: Look, interval: Interval) -> bool:
    """All of it was split as the step says: counts of two steps are never pooled."""
    since = look.status.step_started_at
    if since is None or look.canary_share != look.status.weight:
        return False
    return interval.seconds <= (look.now - since).total_seconds() + STRADDLE_S


def has_figures(look: Look) -> bool:
    """This very look has seen how the canary does: without, nothing goes on."""
    interval = look.seen.interval
    return isinstance(interval, Interval) and is_of_this_step(look, interval)


def past_limit(look: Look) -> str:
    """The hard limit that was passed in enough looks in a row; empty: none."""
    passed = broken(look)
    enough = look.status.over_limit >= look.spec.analysis.threshold
    if not passed or not enough:
        return ""
    row = f", {look.status.over_limit} looks in a row" if look.spec.analysis.threshold > 1 else ""
    return f"{passed}{row}"
