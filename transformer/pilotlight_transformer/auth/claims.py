"""What a token with a good signature claims: its times, and values by their names."""

import math
from collections.abc import Mapping
from typing import Any

from pilotlight_transformer.auth.refusal import expired, invalid


def check_times(claims: Mapping[str, object], now: float, leeway_s: float) -> float:
    """Check ``exp``, ``nbf`` and ``iat``.

    Args:
        now: Seconds since the epoch.

    Returns:
        When the token ends to be taken, in seconds since the epoch.

    Raises:
        Refused: It has expired, is not valid yet, or its times are no numbers.
    """
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if "exp" not in times or not all(_is_time(time) for time in times.values()):
        raise invalid()
    numbers = {name: float(str(time)) for name, time in times.items()}
    if any(numbers.get(name, now) > now + leeway_s for name in ("nbf", "iat")):
        raise invalid()
    ends = numbers["exp"] + leeway_s
    if ends <= now:
        raise expired()
    return ends


def _is_time(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def claim(claims: Mapping[str, Any], name: str) -> object:
    """A claim by its name, or by a path such as ``realm_access.roles`` if none is called so."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
