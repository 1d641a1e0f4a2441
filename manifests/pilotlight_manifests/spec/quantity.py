"""Kubernetes quantities: ``500m``, ``4``, ``16Gi``."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, StringConstraints

_FACTORS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** n for n, unit in enumerate(("k", "M", "G", "T", "P"), 1)},
    **{unit: Decimal(1024) ** n for n, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi"), 1)},
}
PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"


def _text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Quantity = Annotated[
    str,
    BeforeValidator(_text, json_schema_input_type=str | int | float),
    StringConstraints(pattern=PATTERN, max_length=20),
]


def amount(quantity: str) -> Decimal:
    """A quantity in its unit: cores, or bytes."""
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", quantity).groups()  # type: ignore[union-attr]
    return Decimal(number) * _FACTORS[unit]
