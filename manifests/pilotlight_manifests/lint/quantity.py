"""Kubernetes quantities (``resource.Quantity``) and sizes for people."""

import re

_FACTORS = {
    "": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9,
    "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip
_QUANTITY = re.compile(r"\+?(\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})(?:[eE]([+-]?\d{1,2})|([a-zA-Z]*))")

GIB = 2**30
MIB = 2**20


def quantity(text: str | None) -> float | None:
    """``1500m`` is 1.5, ``4Gi`` is 4294967296; ``None`` for what is no (positive) quantity."""
    match = _QUANTITY.fullmatch((text or "").strip())
    if match is None:
        return None
    number, exponent, suffix = match.groups()
    if exponent is not None:
        return float(number) * 10.0 ** int(exponent)
    factor = _FACTORS.get(suffix)
    return None if factor is None else float(number) * factor


def size(amount: float) -> str:
    """Bytes for people: ``141.1 GB`` as disks and models count, powers of ten."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if amount >= factor:
            return f"{_short(amount / factor)} {unit}"
    return f"{amount:.0f} B"


def memory(amount: float) -> str:
    """Bytes for people: ``79.6 GiB`` as memory is counted, powers of two."""
    for unit, factor in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if amount >= factor:
            return f"{_short(amount / factor)} {unit}"
    return f"{amount:.0f} B"


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 100 or number == int(number) else f"{number:.1f}"
