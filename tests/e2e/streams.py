"""Streamed completions that run side by side, and what became of each."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.e2e.gateway import Endpoint, completion


@dataclass
class Stream:
    """One streamed completion.

    Args:
        status: The HTTP status; 0 if none came.
        headers: Of the answer.
        times: When each piece came, on the wall clock.
        pieces: The texts.
        finish_reason: The last one told.
        done: ``[DONE]`` came.
        error: How the transport failed, or the body of an answer that is not 200.
        ended: When all was over, on the wall clock.
    """

    status: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    times: list[float] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    finish_reason: str | None = None
    done: bool = False
    error: str = ""
    ended: float = 0.0
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def whole(self) -> bool:
        """It ended as a stream ends: with a reason and ``[DONE]``."""
        return self.status == 200 and self.done and self.finish_reason is not None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def cleanly_refused(self) -> bool:
        """A 5xx with a body, before anything was streamed."""
        return 500 <= self.status < 600 and not self.pieces

    def __str__(self) -> str:
        end = "whole" if self.whole else "not whole"
        return f"status {self.status}, {len(self.pieces)} pieces, {end} {self.error}"

    def take(self, line: str) -> None:
        """One line of the event stream."""
        if line == "data: [DONE]":
            self.done = True
        elif line.startswith("data: "):
            self._take_event(json.loads(line.removeprefix("data: ")))

    def _take_event(self, event: dict[str, Any]) -> None:
        for choice in event.get("choices", []):
            self.times.append(time.time())
            self.pieces.append(choice.get("text", ""))
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
            self.begun.set()


async def stream(
    client: httpx.AsyncClient,
    endpoint: Endpoint,
    prompt: str,
    max_tokens: int,
    into: Stream | None = None,
) -> Stream:
    """Stream one greedy completion of exactly ``max_tokens`` tokens; never raises."""
    result = into or Stream()
    body = completion(endpoint.model, prompt, max_tokens=max_tokens, ignore_eos=True, stream=True)
    try:
        # The client may be another endpoint's.
        headers = {"Host": endpoint.host}
        async with client.stream("POST", "/v1/completions", json=body, headers=headers) as answer:
            result.status, result.headers = answer.status_code, answer.headers
            if answer.status_code != 200:
                result.error = (await answer.aread()).decode(errors="replace")[:300]
                return result
            async for line in answer.aiter_lines():
                result.take(line)
    except httpx.TransportError as error:
        result.error = repr(error)
    finally:
        result.ended = time.time()
    return result


async def begin(
    group: asyncio.TaskGroup,
    client: httpx.AsyncClient,
    endpoint: Endpoint,
    prompt: str,
    max_tokens: int,
    within_s: float = 30.0,
) -> Stream:
    """Start a stream in ``group`` and return once its first piece has come."""
    result = Stream()
    group.create_task(stream(client, endpoint, prompt, max_tokens, result))
    async with asyncio.timeout(within_s):
        await result.begun.wait()
    return result
