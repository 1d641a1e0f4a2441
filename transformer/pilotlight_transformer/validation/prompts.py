"""Prompts of completions and inputs of embeddings: one or many, as text or as tokens."""

from typing import Any

from pilotlight.errors import InvalidRequest

Prompt = str | list[int]


def read_prompts(value: Any, name: str, most: int) -> list[Prompt]:
    """The prompts of a field.

    Args:
        value: A text, a list of token ids, or a list of either.
        name: Of the field.
        most: How many there may be.

    Raises:
        InvalidRequest: It is none of that, empty, or too many.
    """
    if isinstance(value, str) or _tokens(value):
        return [value]
    if not isinstance(value, list) or not value:
        raise InvalidRequest(
            f"`{name}` must be a string, a list of token ids, or a list of those", param=name
        )
    if len(value) > most:
        raise InvalidRequest(f"`{name}` holds more than {most} entries: send fewer", param=name)
    kind = str if isinstance(value[0], str) else list
    for index, entry in enumerate(value):
        if not isinstance(entry, kind) or not (isinstance(entry, str) or _tokens(entry)):
            raise InvalidRequest(
                f"`{name}[{index}]` must be a string or a list of token ids, as the first one is",
                param=f"{name}[{index}]",
            )
    return value


def _tokens(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(type(token) is int and 0 <= token < 2**31 for token in value)
    )
