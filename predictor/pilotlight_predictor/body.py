"""Reading a request's body within a size and a time."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from pilotlight.errors import BodyTooLarge, BodyTooSlow

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class ClientGone(Exception):
    """The client left before its request was whole."""


async def read_body(
    receive: Receive, declared_bytes: int | None, max_bytes: int, timeout_s: float
) -> bytes:
    """Read the whole body.

    Args:
        receive: ASGI's ``receive``.
        declared_bytes: The ``Content-Length``, if there is one.
        max_bytes: Largest body.
        timeout_s: Seconds within which all of it must have come.

    Raises:
        BodyTooLarge: It is, or says it will be, longer than ``max_bytes``.
        BodyTooSlow: It did not come in time.
        ClientGone: The client left.
    """
    if declared_bytes is not None and declared_bytes > max_bytes:
        raise _too_large(max_bytes)
    try:
        async with asyncio.timeout(timeout_s):
            return await _collect(receive, max_bytes)
    except TimeoutError:
        raise BodyTooSlow(
            f"the request's body did not arrive within {timeout_s:g} s: send it faster"
        ) from None


async def _collect(receive: Receive, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(max_bytes)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _too_large(max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"the request's body is over {max_bytes} bytes: shorten it, or start the server with a "
        "larger --max-body-bytes"
    )


def replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that first gives the body that was read already, then what comes after."""
    sent = False

    async def receive_again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
