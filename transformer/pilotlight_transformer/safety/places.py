"""Where text stands in requests and answers: everywhere that is not known to hold none."""

import re
from collections.abc import Iterator
from typing import Any, Protocol

from pilotlight.errors import InvalidRequest

DEEPEST = 100
"""Levels of a JSON document; vLLM's own schemas have about ten."""

REQUEST_PLAIN = frozenset({"model"})
"""Fields of a request that never reach the model as text."""
ANSWER_PLAIN = frozenset(
    {"id", "object", "created", "model", "system_fingerprint", "service_tier", "usage"}
)
"""Fields of an answer that the model has not written."""
TOKENS = frozenset(
    {"logprobs", "prompt_logprobs", "token_ids", "prompt_token_ids", "tokens", "top_logprobs"}
)
"""Fields of an answer that repeat its text in another form."""
_TRUSTED = ("system", "developer", "assistant")
"""Roles whose texts are the application's own; no set, since a role may be any JSON."""
TOKEN_PROMPTS = ("prompt_token_ids", "prompt_embeds", "input_ids")
"""Fields of a request whose text cannot be read."""

_FIXED = {
    "role": frozenset({"system", "developer", "user", "assistant", "tool", "function"}),
    "type": frozenset(
        {
            *("text", "input_text", "output_text", "image_url", "input_audio", "video_url", "file"),
            *("refusal", "reasoning", "thinking", "function", "json_object", "json_schema"),
            *("object", "array", "string", "number", "integer", "boolean", "null"),
        }
    ),
    "finish_reason": frozenset(
        {"stop", "length", "tool_calls", "function_call", "content_filter", "abort", "error"}
    ),
    "tool_choice": frozenset({"auto", "none", "required"}),
    "encoding_format": frozenset({"float", "base64"}),
    "reasoning_effort": frozenset({"none", "minimal", "low", "medium", "high"}),
    "detail": frozenset({"auto", "low", "high"}),
    "object": frozenset({"embedding"}),
}
_KEYS = frozenset(
    {
        *("role", "content", "name", "type", "text", "refusal", "reasoning", "reasoning_content"),
        *("tool_calls", "tool_call_id", "function", "function_call", "arguments", "id", "index"),
        *(
            "parameters",
            "properties",
            "required",
            "description",
            "items",
            "enum",
            "strict",
            "anyOf",
        ),
        *("image_url", "url", "detail", "input_audio", "data", "format", "schema", "json_schema"),
        *("include_usage", "additionalProperties", "default", "title", "message", "finish_reason"),
        *("stop_reason", "annotations", "audio", "delta", "embedding", "object", "thinking"),
    }
)
"""Names of the protocol's own fields, in which nothing is looked for."""


JSON_TEXTS = frozenset({"arguments"})
"""Fields whose text is JSON itself."""

Place = tuple[str | None, ...]
"""The names that lead to a value, from its document on; ``None`` is an item of a list."""
REQUEST: Place = ("request",)
ANSWER: Place = ("answer",)

_PART: Place = (*REQUEST, "messages", None, "content", None)
_MEDIA = frozenset(
    (*_PART, *names)
    for names in (
        *(("image_url",), ("audio_url",), ("video_url",)),
        *(("image_url", "url"), ("audio_url", "url"), ("video_url", "url")),
        *(("input_audio", "data"), ("file", "file_data")),
    )
)
_DATA_URL = re.compile(
    r"data:[\w.+/-]*+(?:;[\w=.-]+)*;base64,[A-Za-z0-9+/_=\s-]*+", re.ASCII | re.IGNORECASE
)


class Clean(Protocol):
    """Returns a text as it may go on; ``json``: it is JSON, and stays it."""

    def __call__(self, text: str, *, json: bool = False) -> str: ...


def is_fixed(key: str, value: object) -> bool:
    """Whether a field has one of the few values that the protocol knows."""
    return isinstance(value, str) and value in _FIXED.get(key, ())


def cleaned_object(
    document: dict[str, Any], clean: Clean, plain: frozenset[str], place: Place = ANSWER
) -> dict[str, Any]:
    """A body whose texts have been through ``clean``, but for the fields of ``plain``.

    Raises:
        InvalidRequest: It is nested too deeply.
    """
    return {
        key: value if key in plain or is_fixed(key, value) else cleaned(value, clean, (*place, key))
        for key, value in document.items()
    }


def cleaned(value: Any, clean: Clean, place: Place = ANSWER) -> Any:
    """A JSON value whose texts, and whose objects' keys, have been through ``clean``.

    Raises:
        InvalidRequest: It is nested too deeply.
    """
    if isinstance(value, str):
        return value if _is_media(value, place) else clean(value)
    if not isinstance(value, dict | list):
        return value
    if len(place) > DEEPEST:
        raise InvalidRequest(f"the body is nested more than {DEEPEST} levels deep")
    if isinstance(value, list):
        inside = (*place, None)
        return [cleaned(item, clean, inside) for item in value]
    return {
        key if key in _KEYS else clean(key): _field(key, inner, clean, place)
        for key, inner in value.items()
    }


def _field(key: str, value: Any, clean: Clean, place: Place) -> Any:
    if is_fixed(key, value):
        return value
    if key in JSON_TEXTS and isinstance(value, str):
        return clean(value, json=True)
    return cleaned(value, clean, (*place, key))


def without(value: Any, names: frozenset[str]) -> Any:
    """A JSON value in which the fields of these names are null."""
    if isinstance(value, list):
        return [without(item, names) for item in value]
    if isinstance(value, dict):
        return {key: None if key in names else without(one, names) for key, one in value.items()}
    return value


def is_token_prompt(document: dict[str, Any]) -> str | None:
    """The field in which a request gives tokens instead of a text."""
    for key in TOKEN_PROMPTS:
        if document.get(key) is not None:
            return key
    for key in ("prompt", "input"):
        value = document.get(key)
        if isinstance(value, list) and any(isinstance(item, int | list) for item in value):
            return key
    return None


def untrusted(document: dict[str, Any]) -> Iterator[str]:
    """The texts of a request that come from users, tools and documents."""
    messages = document.get("messages")
    if isinstance(messages, list):
        for message in messages:
            if not isinstance(message, dict) or message.get("role") not in _TRUSTED:
                yield from texts(message, (*REQUEST, "messages", None))
    for key in ("prompt", "input", "suffix", "documents"):
        yield from texts(document.get(key), (*REQUEST, key))


def texts(value: Any, place: Place = ANSWER) -> Iterator[str]:
    """Every text of a JSON value, without keys and fixed values."""
    if isinstance(value, str):
        if not _is_media(value, place):
            yield value
    elif isinstance(value, list) and len(place) <= DEEPEST:
        for inner in value:
            yield from texts(inner, (*place, None))
    elif isinstance(value, dict) and len(place) <= DEEPEST:
        for key, inner in value.items():
            if not is_fixed(key, inner):
                yield from texts(inner, (*place, key))


def _is_media(text: str, place: Place) -> bool:
    """Pictures, sounds and files: they are read by no filter of texts.

    Only where a part of a message has them: everywhere else a model reads them as text.
    """
    return place in _MEDIA and _DATA_URL.fullmatch(text) is not None
