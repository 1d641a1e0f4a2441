"""Streaming requests that run side by side, and what became of each."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.engine.predictor_process import MODEL_NAME, Predictor


@dataclass
class Stream:
    """One streamed completion."""

    chunks: list[dict[str, Any]] = field(default_factory=list)
    done: bool = False
    status: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    error: str = ""

    @property
    def whole(self) -> bool:
        """It ended as a stream ends, with a finish reason and [DONE]."""
        choices = [choice for chunk in self.chunks for choice in chunk.get("choices", [])]
        return self.done and any(choice.get("finish_reason") for choice in choices)

    @property
    def text(self) -> str:
        choices = [choice for chunk in self.chunks for choice in chunk.get("choices", [])]
        return "".join(choice.get("text", "") for choice in choices)


async def stream_completion(
    client: httpx.AsyncClient,
    prompt: str,
    max_tokens: int,
    headers: dict[str, str] | None = None,
    started: asyncio.Event | None = None,
) -> Stream:
    """Stream one greedy completion of exactly ``max_tokens`` tokens; never raises."""
    result = Stream()
    body = {
        "model": MODEL_NAME,
        "prompt": prompt,
        "max_tokens": max_tokens,
        "temperature": 0,
        "ignore_eos": True,
        "stream": True,
    }
    try:
        async with client.stream("POST", "/v1/completions", json=body, headers=headers) as answer:
            result.status, result.headers = answer.status_code, answer.headers
            if answer.status_code != 200:
                result.error = (await answer.aread()).decode()
                return result
            async for line in answer.aiter_lines():
                if line == "data: [DONE]":
                    result.done = True
                elif line.startswith("data: "):
                    result.chunks.append(json.loads(line.removeprefix("data: ")))
                    if started is not None:
                        started.set()
    except httpx.TransportError as error:
        result.error = repr(error)
    return result


def client_of(predictor: Predictor) -> httpx.AsyncClient:
    """A client with room for many streams."""
    return httpx.AsyncClient(
        base_url=predictor.url,
        timeout=httpx.Timeout(120),
        limits=httpx.Limits(max_connections=1000, max_keepalive_connections=0),
    )


async def wait_until(condition: Any, timeout_s: float = 20.0) -> None:
    """Poll ``condition`` in a thread until it holds.

    Raises:
        TimeoutError: It does not, in time.
    """
    async with asyncio.timeout(timeout_s):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
