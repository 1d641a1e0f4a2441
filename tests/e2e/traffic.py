"""People's requests while a rollout goes on: an open loop of streams through the gateway.

Requests start at times of their own, however long answers take, as people's do; each one is kept
with what became of it, so that whatever was lost can be counted by the client.
"""

import asyncio
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp

from tests.e2e.gateway import Endpoint

VERSION_HEADER = "x-standin-version"
DEADLINE_S = 30.0
MOST_REQUESTS = 60_000


@dataclass
class Exchange:
    """One request and its answer.

    Args:
        sent: Wall clock.
        version: Of the server that answered, as it says itself.
        status: HTTP status; 0: none came.
        first_token_s: From sending; ``None``: none came.
        whole: The stream ended with a reason and ``[DONE]``.
        error: How it failed.
        ended: Wall clock.
        text: What was answered.
    """

    sent: float
    version: str = ""
    status: int = 0
    first_token_s: float | None = None
    whole: bool = False
    error: str = ""
    ended: float = 0.0
    text: str = ""

    @property
    def lost(self) -> bool:
        """Failed or cut."""
        return not self.whole


@dataclass(frozen=True)
class Load:
    """What is sent.

    Args:
        rate: Requests a second; their distances are exponential.
        max_tokens: Of each answer.
        prompt: Makes the prompt of the n-th request.
    """

    rate: float = 20.0
    max_tokens: int = 4
    prompt: Callable[[int], str] = field(default=lambda n: f"question {n}")


class Traffic:
    """Sends a load from entering to leaving; then all answers are waited for."""

    def __init__(self, endpoint: Endpoint, load: Load | None = None) -> None:
        self.exchanges: list[Exchange] = []
        self._endpoint = endpoint
        self._load = load or Load()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(DEADLINE_S + 10)
        assert not self._thread.is_alive(), "requests hang beyond their deadline"

    def since(self, moment: float) -> list[Exchange]:
        """Those sent after a moment on the wall clock, and ended by now."""
        return [each for each in list(self.exchanges) if each.sent >= moment and each.ended]

    def ended(self) -> list[Exchange]:
        """Those that are over."""
        return [each for each in list(self.exchanges) if each.ended]

    async def _run(self) -> None:
        draw = random.Random(1)
        timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
        connector = aiohttp.TCPConnector(limit=0)
        headers = {"Host": self._endpoint.host}
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector, headers=headers) as client,
            asyncio.TaskGroup() as group,
        ):
            due = time.monotonic()
            for number in range(MOST_REQUESTS):
                if self._stop.is_set():
                    break
                group.create_task(self._ask(client, number))
                due += draw.expovariate(self._load.rate)
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _ask(self, client: aiohttp.ClientSession, number: int) -> None:
        exchange = Exchange(time.time())
        self.exchanges.append(exchange)
        begun = time.monotonic()
        body = {
            "model": self._endpoint.model,
            "prompt": self._load.prompt(number),
            "max_tokens": self._load.max_tokens,
            "temperature": 0,
            "ignore_eos": True,
            "stream": True,
        }
        try:
            url = f"{self._endpoint.gateway}/v1/completions"
            async with client.post(url, json=body) as answer:
                exchange.status = answer.status
                exchange.version = answer.headers.get(VERSION_HEADER, "")
                if answer.status != 200:
                    exchange.error = (await answer.text())[:200]
                    return
                async for line in answer.content:
                    _take(exchange, line.strip(), begun)
        except (aiohttp.ClientError, TimeoutError) as error:
            exchange.error = repr(error)
        finally:
            exchange.ended = time.time()


def _take(exchange: Exchange, line: bytes, begun: float) -> None:
    if line == b"data: [DONE]":
        exchange.whole = True
    elif line.startswith(b"data: "):
        if exchange.first_token_s is None:
            exchange.first_token_s = time.monotonic() - begun
        event = json.loads(line.removeprefix(b"data: "))
        exchange.text += "".join(choice.get("text", "") for choice in event.get("choices", []))


def versions(exchanges: Iterable[Exchange]) -> Counter[str]:
    """How many each version answered."""
    return Counter(each.version for each in exchanges)


def lost(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """Those that failed or were cut."""
    return [each for each in exchanges if each.lost]
