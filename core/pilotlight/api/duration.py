"""Durations as Kubernetes and Go write them: ``15s``, ``5m``, ``1h30m``."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

PATTERN = r"^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$"
"""Six digits, so that the sum fits the nanoseconds of Go's ``time.Duration``."""


def parse(value: object) -> object:
    """A duration from its text; other values pass, for pydantic to judge."""
    if not isinstance(value, str):
        return value
    match = re.match(PATTERN, value)
    if not value or match is None:
        raise ValueError(f"{value!r} is no duration: write it like 15s, 5m or 1h30m")
    hours, minutes, seconds = (int((part or "0")[:-1] or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def text(value: timedelta) -> str:
    """The shortest text of whole seconds that parses to the same duration."""
    total = int(value.total_seconds())
    hours, minutes, seconds = total // 3600, total // 60 % 60, total % 60
    parts = [f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if n]
    return "".join(parts) or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse),
    PlainSerializer(text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "minLength": 2, "maxLength": 16}),
]
"""A time span in whole seconds, written as text."""
