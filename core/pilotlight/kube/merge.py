"""What has to be sent so that one document becomes another (RFC 7386)."""

from collections.abc import Mapping
from typing import Any


def merge_patch(now: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON merge patch; fields that ``then`` lacks are removed."""
    change: dict[str, Any] = {name: None for name in now if name not in then}
    for name, value in then.items():
        was = now.get(name)
        if isinstance(was, Mapping) and isinstance(value, Mapping):
            if inner := merge_patch(was, value):
                change[name] = inner
        elif name not in now or was != value:
            change[name] = value
    return change
