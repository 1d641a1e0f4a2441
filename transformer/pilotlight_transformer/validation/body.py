"""A body that every reader on the way reads alike: one key once, no deep nesting, plain keys."""

import json
from collections.abc import Collection, Iterator
from typing import Any

from pilotlight.errors import InvalidRequest


def check_unambiguous(body: bytes) -> None:
    """Refuse what two JSON readers may read differently.

    Args:
        body: Valid JSON, not nested deeper than Python's own reader follows.

    Raises:
        InvalidRequest: A key stands twice in an object, a key of the outermost object hides
            behind escapes, or a number has thousands of digits.
    """
    try:
        document = json.loads(body, object_pairs_hook=_unique)
    except ValueError:
        # orjson has read it already: what Python refuses are integers with thousands of digits.
        raise InvalidRequest("the body holds a number with too many digits") from None
    except RecursionError:
        raise InvalidRequest("the body is nested too deeply") from None
    for key in document if b"\\" in body else ():
        # All fields that mean something are names of ASCII letters.
        if key.isascii() and key.isidentifier() and f'"{key}"'.encode() not in body:
            raise InvalidRequest(
                f"the field {key[:64]!r} is spelled with escapes: write it plainly", param=key[:64]
            )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise InvalidRequest(
                f"the field {_shown(key)!r} is there twice: keep one of them", param=_shown(key)
            )
        seen.add(key)
    return found


def _shown(key: str) -> str:
    return key[:64].encode("utf-8", "replace").decode()


def check_size(
    document: dict[str, Any], max_depth: int, max_characters: int, media: Collection[str] = ()
) -> None:
    """Refuse what is nested too deeply, or holds too much text.

    Texts of all fields count, keys too.

    Args:
        media: Types of content parts whose data does not count: the server bounds the body.

    Raises:
        InvalidRequest: It is over a limit.
    """
    characters = 0
    for depth, text in _texts(document, media):
        if depth > max_depth:
            raise InvalidRequest(f"the body is nested deeper than {max_depth} levels")
        characters += text
        if characters > max_characters:
            raise InvalidRequest(
                f"the request holds more than {max_characters} characters: send less text"
            )


def _texts(document: dict[str, Any], media: Collection[str]) -> Iterator[tuple[int, int]]:
    """Depth and length of every text, and depth of every container."""
    waiting: list[tuple[int, Any]] = [(1, document)]
    while waiting:
        depth, value = waiting.pop()
        if isinstance(value, dict):
            yield depth, sum(map(len, value))
            kind = value.get("type")
            data = kind if isinstance(kind, str) and kind in media else None
            waiting += [(depth + 1, inner) for key, inner in value.items() if key != data]
        elif isinstance(value, list):
            yield depth, 0
            waiting += [(depth + 1, inner) for inner in value if not isinstance(inner, int)]
        elif isinstance(value, str):
            yield 0, len(value)
