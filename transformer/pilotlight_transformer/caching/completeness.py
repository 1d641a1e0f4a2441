"""Whether an answer came to its end: nothing else is ever kept."""

import orjson

from pilotlight_transformer.pipeline.event import EventSplitter

WHOLE = frozenset({"stop", "length", "tool_calls", "function_call"})
"""Finish reasons of an answer that the model ended, or its own limit."""


def is_whole(body: bytes) -> bool:
    """Whether a JSON answer is complete and no error."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(document, dict) or document.get("error") is not None:
        return False
    choices = document.get("choices")
    if choices is None:
        data = document.get("data")
        return document.get("object") == "list" and isinstance(data, list) and bool(data)
    return isinstance(choices, list) and bool(choices) and all(map(_finished, choices))


def is_whole_stream(body: bytes) -> bool:
    """Whether the events of a stream end with ``[DONE]``, each choice with its finish reason."""
    splitter = EventSplitter()
    try:
        events = splitter.feed(body)
    except ValueError:
        return False
    if splitter.rest().strip() or not events or not events[-1].done:
        return False
    open_choices: dict[object, bool] = {}
    for event in events[:-1]:
        document = event.document
        if document is None or document.get("error") is not None:
            return False
        choices = document.get("choices") or []
        if not isinstance(choices, list):
            return False
        for choice in choices:
            if not isinstance(choice, dict):
                continue
            index = choice.get("index")
            if not isinstance(index, int):
                return False
            open_choices[index] = open_choices.get(index, True) and not _finished(choice)
            if choice.get("finish_reason") is not None and open_choices[index]:
                return False
    return bool(open_choices) and not any(open_choices.values())


def _finished(choice: object) -> bool:
    reason = choice.get("finish_reason") if isinstance(choice, dict) else None
    return isinstance(reason, str) and reason in WHOLE
