"""The condition ``UnheldRevision``: something got all of the traffic that nobody had judged."""

from typing import Literal

from pilotlight.api.meta import Condition
from pilotlight_canary.policy.look import Look

TYPE = "UnheldRevision"


def reported(look: Look, message: str) -> Look:
    """It is so, and people are told."""
    return _with(look, "True", "NotHeld", message).warn(TYPE, message, notify=True)


def settled(look: Look) -> Look:
    """The next version is held as it should be."""
    is_so = any(one.type == TYPE and one.status == "True" for one in look.status.conditions)
    message = "the version that came after it was held at 0 %"
    return _with(look, "False", "Held", message) if is_so else look


def _with(look: Look, status: Literal["True", "False"], reason: str, message: str) -> Look:
    others = tuple(one for one in look.status.conditions if one.type != TYPE)
    condition = Condition(
        type=TYPE,
        status=status,
        reason=reason,
        message=message,
        last_transition_time=look.now,
        observed_generation=look.status.observed_generation,
    )
    return look.but(conditions=(*others, condition))
