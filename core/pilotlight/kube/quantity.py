"""Kubernetes' quantities: ``250m``, ``4Gi``, ``1e3``."""

from decimal import Decimal, InvalidOperation

FACTORS = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9),
    "T": Decimal(10**12), "P": Decimal(10**15), "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30),
    "Ti": Decimal(2**40), "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip


def quantity(text: str | int | float) -> Decimal:
    """The number that a quantity stands for.

    Raises:
        ValueError: It is none.
    """
    whole = str(text)
    digits = whole.rstrip("KMGTPEimnuk") if whole[-1:].isalpha() else whole
    suffix = whole[len(digits) :]
    try:
        return Decimal(digits) * (FACTORS[suffix] if suffix else 1)
    except (InvalidOperation, KeyError):
        raise ValueError(f"{whole!r} is no quantity") from None
