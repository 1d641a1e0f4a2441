"""One streamed chat answer, timed."""

import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from pilotlight.errors import OperationError

SKIP = "--no-chat leaves this out"


@dataclass(frozen=True)
class Answer:
    """What the model said.

    Attributes:
        ttft_s: Seconds from the request to the first piece of text.
        total_s: Seconds from the request to the end of the stream.
        tokens: Completion tokens, as the server counts them; 0 where it does not.
    """

    text: str
    ttft_s: float
    total_s: float
    tokens: int


async def served_model(client: httpx.AsyncClient) -> str:
    """The name of the first model that the server lists.

    Raises:
        OperationError: It lists none, or only to those with a key.
    """
    response = await client.get("/v1/models")
    if response.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise OperationError(
            "the service wants a key, and one that may list and ask models: put it into the "
            f"variable PILOTLIGHT_API_KEY (GET /v1/models: {response.text[:200]})"
        )
    try:
        return str(response.raise_for_status().json()["data"][0]["id"])
    except (httpx.HTTPStatusError, ValueError, LookupError, TypeError) as error:
        raise OperationError(f"GET /v1/models lists no model: {response.text[:200]}") from error


async def ask(
    client: httpx.AsyncClient, model: str, prompt: str, write: Callable[[str], None]
) -> Answer:
    """Stream an answer, handing on each piece of text as it arrives.

    Raises:
        OperationError: The server refuses, breaks off, or says nothing.
    """
    request = {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0,
        "max_tokens": 128,
    }
    started = time.monotonic()
    first: float | None = None
    pieces: list[str] = []
    tokens = 0
    try:
        async for event in _events(client, request):
            if "error" in event:
                raise OperationError(f"chat: {event['error']} ({SKIP})")
            tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
            for choice in event.get("choices", []):
                if text := choice["delta"].get("content"):
                    first = first or time.monotonic()
                    pieces.append(text)
                    write(text)
    except (httpx.TransportError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise OperationError(f"the chat answer broke off: {error!r} ({SKIP})") from error
    if first is None:
        raise OperationError(f"the model answered nothing to {prompt!r} ({SKIP})")
    return Answer("".join(pieces), first - started, time.monotonic() - started, tokens)


async def _events(
    client: httpx.AsyncClient, request: dict[str, object]
) -> AsyncIterator[dict[str, Any]]:
    """The server-sent events of one streamed completion, up to ``[DONE]``."""
    async with client.stream("POST", "/v1/chat/completions", json=request) as response:
        if not response.is_success:
            body = (await response.aread()).decode(errors="replace")[:500]
            raise OperationError(f"chat: HTTP {response.status_code}: {body} ({SKIP})")
        async for line in response.aiter_lines():
            data = line.removeprefix("data:").strip()
            if data == "[DONE]":
                return
            if line.startswith("data:"):
                yield json.loads(data)
    raise OperationError(f"the chat answer ended before [DONE] ({SKIP})")
