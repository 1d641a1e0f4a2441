"""Lengths of time and counts as people read them."""

from datetime import datetime


def lasting(seconds: float) -> str:
    """A length of time in a unit that fits: ``90 s``, ``30 min``, ``2.5 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.3g} h"


def several(count: int, noun: str) -> str:
    """``1 replica``, ``3 replicas``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def clock(moment: datetime) -> str:
    """A time of day, with its weekday: ``Mon 07:45``."""
    return f"{moment:%a %H:%M}"
