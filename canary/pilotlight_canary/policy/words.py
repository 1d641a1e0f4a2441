"""Lengths of time and counts as people read them."""

from datetime import timedelta


def lasting(length: timedelta) -> str:
    """A length of time in its largest whole unit: ``90 s``, ``30 min``."""
    seconds = round(length.total_seconds())
    return f"{seconds // 60} min" if seconds >= 120 and seconds % 60 == 0 else f"{seconds} s"


def several(count: int, noun: str) -> str:
    """``1 pod``, ``3 pods``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
