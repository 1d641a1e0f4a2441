"""A bare forwarder on raw ASGI and aiohttp's client: ``granian --interface asgi`` runs ``app``."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

UPSTREAM = os.environ.get("FORWARD_TO", "")
_session: aiohttp.ClientSession | None = None


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Forward a request, and its answer piece by piece."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = {"content-type": "application/json"}
    async with _client().request(
        scope["method"], UPSTREAM + scope["path"], data=body, headers=headers
    ) as answer:
        kept = [(b"content-type", answer.headers["content-type"].encode())]
        await send({"type": "http.response.start", "status": answer.status, "headers": kept})
        async for piece in answer.content.iter_any():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _client() -> aiohttp.ClientSession:
    global _session  # the loop is there only once requests come
    if _session is None:
        _session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    return _session
