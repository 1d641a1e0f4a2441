"""JSON as models write it: Python's writer lets lone surrogates and NaN out, orjson neither in."""

import json
from typing import Any

import orjson


def read(data: bytes) -> dict[str, Any] | None:
    """A JSON object; ``None`` if it is none."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            return None
    return document if isinstance(document, dict) else None


def written(document: dict[str, Any]) -> bytes:
    """The JSON of an object; lone surrogates stay what they were."""
    try:
        return orjson.dumps(document)
    except TypeError:
        return json.dumps(document, separators=(",", ":")).encode()
