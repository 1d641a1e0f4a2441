"""What makes two requests the same: one digest of all that may change an answer."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal

import orjson

from pilotlight_transformer.pipeline.call import ANONYMOUS, Call

Scope = Literal["tenant", "key", "everyone"]

VERSION = 1
CREDENTIALS = (b"authorization", b"x-api-key", b"api-key", b"cookie", b"x-tenant-id")
"""Part of the key while nobody has checked them: without the step ``auth``."""


def canonical(data: bytes) -> str:
    """JSON in one spelling: keys sorted, no spaces, one way to write each character.

    ``1``, ``1.0`` and ``true`` stay three different values, and integers keep all their digits.

    Raises:
        ValueError: It can be read in more than one way (a key is there twice), or not at all.
    """
    return _written(_read(data))


def request_key(
    call: Call,
    *,
    scope: Scope,
    namespace: str = "",
    vary: Sequence[str] = (),
    ignored: Sequence[str] = (),
    without_text: bool = False,
) -> str | None:
    """The key of a call; ``None`` if its body can be read in more than one way.

    Args:
        scope: Who shares answers.
        namespace: Keeps answers of different configurations apart.
        vary: Names of request headers that may change the answer.
        ignored: Fields of the body that do not change the answer.
        without_text: Leave the last message's text out, for answers to similar questions; the
            tenant is then part of the key whatever the scope.
    """
    try:
        body = _read(call.payload())
        if without_text:
            body["messages"][-1].pop("content")
            scope = "tenant" if scope == "everyone" else scope
        for name in ("stream", *ignored):
            body.pop(name, None)
        written = _written([*_frame(call, scope, namespace, vary), without_text, body])
    except (ValueError, RecursionError, orjson.JSONEncodeError):
        return None
    return hashlib.sha256(written.encode()).hexdigest()


def _frame(call: Call, scope: Scope, namespace: str, vary: Sequence[str]) -> list[Any]:
    """All that is not the body."""
    identity = call.identity
    credentials: list[Any] = []
    if identity == ANONYMOUS:
        credentials = [[value.hex() for value in call.headers.all(name)] for name in CREDENTIALS]
    who = {"everyone": [], "tenant": [identity.tenant], "key": [identity.tenant, identity.subject]}
    return [
        VERSION,
        namespace,
        who[scope],
        credentials,
        [[value.hex() for value in call.headers.all(name.encode())] for name in vary],
        call.route.value,
        call.path,
        call.query.hex(),
        call.path_name,
        [[target.name, target.model] for target in call.targets],
        call.stream,
    ]


def _read(data: bytes) -> Any:
    return json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_no_number)


def _written(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON")
