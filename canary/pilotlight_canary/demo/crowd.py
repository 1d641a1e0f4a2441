"""People who ask, each at a time of their own: an open loop of streams through the gateway."""

import asyncio
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp

from pilotlight.demo.standin import MODEL
from pilotlight.errors import OperationError

VERSION_HEADER = "x-standin-version"
DEADLINE_S = 20.0
RECENT_S = 5.0
PROMPT = "Tell me something about lamps."


@dataclass(frozen=True)
class Exchange:
    """One request that is over.

    Attributes:
        version: Of the server that answered, as it says; empty on an error.
        first_token_s: ``None``: none came.
        whole: The stream came to its end.
    """

    ended: float
    version: str
    first_token_s: float | None
    whole: bool


@dataclass(frozen=True)
class Tally:
    """What the crowd has seen so far.

    Attributes:
        recent: Answers a second by version, over the last seconds.
        p95_s: Time to the first token by version, 95th percentile of the last answers.
    """

    whole: int = 0
    failed: int = 0
    by_version: Mapping[str, int] = field(default_factory=dict)
    recent: Mapping[str, float] = field(default_factory=dict)
    p95_s: Mapping[str, float] = field(default_factory=dict)

    @property
    def asked(self) -> int:
        return self.whole + self.failed


class Crowd:
    """Asks from entering to leaving.

    Args:
        gateway: Where requests enter the cluster.
        host: Whom to ask for there.
        rate: Requests a second; their distances are exponential.
    """

    def __init__(self, gateway: str, host: str, rate: float) -> None:
        self._url = f"{gateway}/v1/completions"
        self._host = host
        self._rate = rate
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._last: deque[Exchange] = deque(maxlen=1000)
        self._counts: Counter[str] = Counter()
        self._failed = 0
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
        self._thread.join(DEADLINE_S + 5)

    def tally(self) -> Tally:
        """What came back by now.

        Raises:
            OperationError: The crowd has gone, though nobody sent it away.
        """
        if not self._thread.is_alive() and not self._stop.is_set():
            raise OperationError("the load generator has ended by itself")
        with self._lock:
            last, counts, failed = tuple(self._last), dict(self._counts), self._failed
        since = time.monotonic() - RECENT_S
        recent = Counter(each.version for each in last if each.whole and each.ended > since)
        return Tally(
            whole=sum(counts.values()),
            failed=failed,
            by_version=counts,
            recent={version: number / RECENT_S for version, number in recent.items()},
            p95_s={version: p95(_waits(last, version)) for version in counts},
        )

    async def _run(self) -> None:
        draw = random.Random(1)  # noqa: S311  (the same crowd each time)
        timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
        async with (
            aiohttp.ClientSession(
                timeout=timeout,
                connector=aiohttp.TCPConnector(limit=0),
                headers={"Host": self._host},
            ) as client,
            asyncio.TaskGroup() as group,
        ):
            due = time.monotonic()
            while not self._stop.is_set():
                group.create_task(self._ask(client))
                due += draw.expovariate(self._rate)
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _ask(self, client: aiohttp.ClientSession) -> None:
        begun, version, first, whole = time.monotonic(), "", None, False
        body = {"model": MODEL, "prompt": PROMPT, "max_tokens": 6, "stream": True}
        try:
            async with client.post(self._url, json=body) as answer:
                version = answer.headers.get(VERSION_HEADER, "")
                async for line in answer.content:
                    if line.startswith(b"data: ") and first is None:
                        first = time.monotonic() - begun
                    whole = whole or (answer.status == 200 and line.strip() == b"data: [DONE]")
        except (aiohttp.ClientError, TimeoutError):
            whole = False
        with self._lock:
            self._last.append(Exchange(time.monotonic(), version, first, whole))
            if whole:
                self._counts[version] += 1
            else:
                self._failed += 1


def _waits(exchanges: Sequence[Exchange], version: str) -> list[float]:
    return [e.first_token_s for e in exchanges if e.version == version and e.first_token_s]


def p95(values: Sequence[float]) -> float:
    """The 95th percentile; 0 without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))] if ordered else 0.0
