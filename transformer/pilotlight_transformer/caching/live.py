"""An answer that is on its way to one client and wanted by others: asked once, read by all."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from pilotlight.errors import BadGateway, Unavailable
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.headers import Headers

REQUEST_FAULTS = frozenset({400, 404, 405, 413, 415, 422})
"""Refusals that every equal request would get."""
SHARED_FAULTS = REQUEST_FAULTS | {429, *range(500, 600)}
"""What followers get too when the second attempt has failed."""
_PASSED_ON = (b"content-type", b"retry-after")


@dataclass(frozen=True, slots=True)
class Failure:
    """How the asking call fared; ``status`` 0: its client left, or the transformer stops."""

    status: int = 0
    headers: Headers | None = None
    body: bytes = b""

    @classmethod
    def of(cls, answer: Answer) -> "Failure":
        """A refusal, as far as others may see it."""
        if not isinstance(answer.body, bytes):
            return cls()
        pairs = [pair for pair in answer.headers if pair[0] in _PASSED_ON]
        return cls(answer.status, Headers(pairs), answer.body)

    def answer(self) -> Answer:
        """The same refusal, for a follower."""
        return Answer(self.status, (self.headers or Headers()).copy(), self.body)


class Live:
    """What one call, the leader, gets and its followers read along.

    The pieces of a stream are kept once for all. A follower never holds the leader: when more
    than ``window_bytes`` are kept, the oldest go, and a follower that still needed them is cut.

    Attributes:
        begun: Set as soon as followers know what they will get.
        failure: The leader got no answer.
        followers: How many wait or read.
        deserted: The leader's own client has left.
        abandon: Ends the leader's call, once nobody is left who waits for it.
        successor: What is awaited in its place, after its failure.
    """

    def __init__(self, window_bytes: int) -> None:
        self._window_bytes = window_bytes
        self._pieces: deque[bytes] = deque()
        self._first = 0
        self._size = 0
        self._headers = Headers()
        self._body: bytes | None = None
        self._change = asyncio.Event()
        self._ended = False
        self.begun = asyncio.Event()
        self.failure: Failure | None = None
        self.followers = 0
        self.deserted = False
        self.abandon: Callable[[], object] | None = None
        self.successor: Live | None = None

    @property
    def open(self) -> bool:
        """Whether a newcomer can still have it from the beginning."""
        return self._first == 0 and self.failure is None

    @property
    def kept(self) -> bytes | None:
        """All the stream's bytes, if none had to go."""
        return b"".join(self._pieces) if self._first == 0 else None

    def attach(self) -> None:
        """Somebody waits or reads."""
        self.followers += 1

    def detach(self) -> None:
        """Somebody does not any more."""
        self.followers -= 1
        done = self._ended or self.failure is not None
        if self.deserted and self.followers == 0 and not done and self.abandon is not None:
            self.abandon()

    def complete(self, headers: Headers, body: bytes) -> None:
        """The answer is there, whole."""
        if not self.begun.is_set():
            self._headers, self._body, self._ended = headers.copy(), body, True
            self.begun.set()

    def begin(self, headers: Headers) -> None:
        """A stream begins."""
        if not self.begun.is_set():
            self._headers = headers.copy()
            self.begun.set()

    def feed(self, piece: bytes) -> None:
        """A piece of the stream."""
        self._pieces.append(piece)
        self._size += len(piece)
        while self._size > self._window_bytes:
            self._size -= len(self._pieces.popleft())
            self._first += 1
        self._wake()

    def finish(self) -> None:
        """The stream came to its end."""
        self._ended = True
        self._wake()

    def fail(self, failure: Failure) -> None:
        """The leader gets no answer, or no more of it."""
        if not self._ended and self.failure is None:
            self.failure = failure
            self.begun.set()
            self._wake()

    def answer(self, wait_s: float) -> Answer:
        """The answer for one follower, who counts as one until it has read or closed it.

        Args:
            wait_s: How long it waits for each piece.
        """
        if self._body is not None:
            return Answer(200, self._headers.copy(), self._body)
        return Answer(200, self._headers.copy(), Follower(self, wait_s))

    async def piece(self, index: int, wait_s: float) -> bytes | None:
        """The stream's piece number ``index``, when it is there; ``None`` after the last one.

        Raises:
            BadGateway: The leader's stream broke off.
            Unavailable: The piece is not kept any more, or does not come in time.
        """
        while True:
            if index < self._first:
                raise Unavailable("this answer was shared and read too slowly: ask again")
            if index - self._first < len(self._pieces):
                return self._pieces[index - self._first]
            if self._ended:
                return None
            if self.failure is not None:
                raise BadGateway("the answer that was shared broke off: ask again")
            change = self._change
            try:
                async with asyncio.timeout(wait_s):
                    await change.wait()
            except TimeoutError:
                raise Unavailable("the answer that was shared stands still: ask again") from None

    def _wake(self) -> None:
        self._change.set()
        self._change = asyncio.Event()


class Follower(AsyncIterator[bytes]):
    """One reader of a live stream."""

    def __init__(self, live: Live, wait_s: float) -> None:
        self._live = live
        self._wait_s = wait_s
        self._next = 0
        self._closed = False
        live.attach()

    async def __anext__(self) -> bytes:
        piece = None if self._closed else await self._live.piece(self._next, self._wait_s)
        if piece is None:
            raise StopAsyncIteration
        self._next += 1
        return piece

    async def aclose(self) -> None:
        """Read no further."""
        if not self._closed:
            self._closed = True
            self._live.detach()
