"""Why there is no answer, and whether asking again is safe: only where nothing was generated."""

import json
import math
from collections.abc import Mapping
from typing import Any

import httpx

from pilotlight_canary.gate.answer import Failure

_NOT_DELIVERED = (
    "connection failure",
    "no healthy upstream",
    "connection timeout",
    "pending request queue full",
    "connection refused",
)
"""How Envoy and Knative's proxies say that a request did not reach the server."""
_QUOTED = 300
_LONGEST_PAUSE_S = 30.0


def of_error(error: httpx.RequestError) -> Failure:
    """The failure of a request that the network did not carry."""
    message = f"{type(error).__name__}: {error}"[:_QUOTED]
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Failure("no connection", message, nothing_generated=True)
    return Failure("broken connection", message)


def of_response(status: int, headers: Mapping[str, str], body: str) -> Failure:
    """The failure of a request that was answered by something else than 2xx.

    A 429 and a server's own 503 turn a request away before its model sees it. A proxy's 503 may
    also follow a generation whose server died; its words tell. A 404 that is no server's is the
    gateway's, which has not heard of the Route yet.
    """
    own = _message(body)
    undelivered = any(words in body.casefold() for words in _NOT_DELIVERED)
    return Failure(
        f"HTTP {status}",
        (own or body.strip())[:_QUOTED],
        nothing_generated=(
            status == 429
            or (status == 503 and (own is not None or "retry-after" in headers))
            or (status in {502, 503} and undelivered)
            or (status == 404 and own is None)
        ),
        retry_after_s=_seconds(headers.get("retry-after", "")),
    )


def pause_s(attempt: int, failure: Failure) -> float:
    """Seconds until the next attempt, after so many: 0.5, 1, 2, 4, 5, …, or what it asks for."""
    growing = min(5.0, math.ldexp(0.5, attempt - 1))
    return max(growing, failure.retry_after_s or 0.0)


def _message(body: str) -> str | None:
    """What an application says in JSON; a proxy speaks plain text."""
    try:
        document: Any = json.loads(body)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    error = document.get("error", document)
    return str(error.get("message", error) if isinstance(error, dict) else error)


def _seconds(text: str) -> float | None:
    return min(_LONGEST_PAUSE_S, float(text)) if text.isascii() and text.isdigit() else None
