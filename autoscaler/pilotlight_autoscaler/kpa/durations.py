"""Durations as Go writes them: ``1m30s``, ``500ms``."""

import re

LONGEST_NS = 2**63 - 1
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]+)")


def seconds(text: str) -> float:
    """The length in seconds.

    Raises:
        ValueError: Go's ``time.ParseDuration`` would refuse it.
    """
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0.0
    total, place = 0, 0
    while part := _PART.match(rest, place):
        whole, fraction, unit = part[1], part[2] or "", part[3]
        if not (whole or fraction) or unit not in _UNITS:
            break
        total += int(whole or "0") * _UNITS[unit]
        if fraction:
            total += int(int(fraction) * (_UNITS[unit] / 10.0 ** len(fraction)))
        place = part.end()
    if place == 0 or place != len(rest) or total > LONGEST_NS:
        raise ValueError(f"no duration: {text!r}; write for example 1m30s")
    return sign * total / 1e9
