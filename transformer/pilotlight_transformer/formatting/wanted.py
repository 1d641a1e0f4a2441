"""What a request says about the form of its answer."""

from collections.abc import Mapping
from typing import Any

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.formatting.schema import Schema
from pilotlight_transformer.pipeline.call import Call

ANY_OBJECT = {"type": "object"}
_PARAM = "response_format"


def asked_schema(call: Call) -> Schema | None:
    """The schema that a request asks its answer to fit (``response_format``); or none.

    Raises:
        InvalidRequest: It cannot be used.
    """
    wanted = call.document.get("response_format")
    if not isinstance(wanted, Mapping):
        return None
    if wanted.get("type") == "json_object":
        return Schema(ANY_OBJECT)
    if wanted.get("type") != "json_schema":
        return None
    given = wanted.get("json_schema")
    if not isinstance(given, Mapping):
        raise InvalidRequest("response_format.json_schema must be an object", param=_PARAM)
    return Schema(given.get("schema", {}))


def choices_wanted(document: Mapping[str, Any]) -> int | None:
    """How many choices the answer will have; ``None`` if that cannot be told."""
    wanted = document.get("n")
    wanted = 1 if wanted is None else wanted
    if not isinstance(wanted, int) or wanted < 1:
        return None
    prompt = document.get("prompt")
    if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int):
        return wanted * len(prompt)
    return wanted
