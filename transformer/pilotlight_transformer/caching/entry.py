"""An answer that is kept, with where it came from."""

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson

from pilotlight.http_headers import REVISION
from pilotlight_transformer.pipeline.answer import EVENT_STREAM, JSON, Answer
from pilotlight_transformer.pipeline.headers import Headers

PIECE_BYTES = 64 * 2**10
"""A stream is replayed in pieces of this size, so that a slow client is waited for."""
_OVERHEAD_BYTES = 600


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose revisions an answer belongs to.

    Attributes:
        upstream: Name of the target that answered; empty: the default predictor.
        model: As it was asked for, before an alias was resolved.
    """

    upstream: str
    model: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One whole answer.

    Attributes:
        key: Of the request that it answers.
        revision: That made it; empty: the predictor does not say.
        body: As it went to the first client: a JSON document, or the events of a stream.
    """

    key: str
    origin: Origin
    revision: str
    streamed: bool
    body: bytes

    @property
    def size(self) -> int:
        """What it takes in memory, in bytes."""
        return len(self.body) + len(self.revision) + len(self.origin.model) + _OVERHEAD_BYTES

    def answer(self) -> Answer:
        """What a client gets for it."""
        headers = Headers([(b"content-type", EVENT_STREAM if self.streamed else JSON)])
        if self.revision:
            headers.put(REVISION, self.revision.encode("latin-1"))
        return Answer(200, headers, pieces(self.body) if self.streamed else self.body)

    def encode(self) -> bytes:
        """For Redis: one line of what it is, then the body as it is."""
        head = [self.key, self.origin.upstream, self.origin.model, self.revision, self.streamed]
        return orjson.dumps(head) + b"\n" + self.body

    @classmethod
    def decode(cls, data: object, key: str) -> "Entry | None":
        """What :meth:`encode` wrote; ``None`` if it is something else, or another key's."""
        if not isinstance(data, bytes):
            return None
        head, _, body = data.partition(b"\n")
        try:
            found, upstream, model, revision, streamed = orjson.loads(head)
        except (ValueError, TypeError):
            return None
        texts = (found, upstream, model, revision)
        if found != key or not all(isinstance(text, str) for text in texts):
            return None
        if not isinstance(streamed, bool):
            return None
        return cls(key, Origin(sys.intern(upstream), sys.intern(model)), revision, streamed, body)


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    """``body``, in pieces."""
    for start in range(0, len(body), PIECE_BYTES):
        yield body[start : start + PIECE_BYTES]
