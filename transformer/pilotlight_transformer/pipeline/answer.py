"""An answer on its way back: from the predictor, or from a step that knows it already."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from pilotlight.errors import BadGateway
from pilotlight_transformer.pipeline.headers import Headers

EVENT_STREAM = b"text/event-stream"
JSON = b"application/json"


@dataclass(slots=True, eq=False)
class Answer:
    """Status, headers, and a body that is there whole or comes in pieces.

    Attributes:
        headers: Without content-length, connection and the like: the server's edge adds those.
        body: The whole body, or an iterator whose ``aclose`` lets the source know that nobody
            wants the rest.
    """

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes | AsyncIterator[bytes] = b""

    @classmethod
    def of(cls, document: object, status: int = 200) -> "Answer":
        """An answer with a JSON body."""
        return cls(status, Headers([(b"content-type", JSON)]), orjson.dumps(document))

    @property
    def streams(self) -> bool:
        """Whether it is a stream of server-sent events."""
        kind = self.headers.get(b"content-type") or b""
        return not isinstance(self.body, bytes) and kind.lower().startswith(EVENT_STREAM)

    def document(self) -> dict[str, Any] | None:
        """A whole body as a JSON object; ``None`` if it is none."""
        if not isinstance(self.body, bytes):
            return None
        try:
            document = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None
        return document if isinstance(document, dict) else None

    def rewrite(self, document: object) -> None:
        """Replace a whole body.

        Raises:
            BadGateway: The predictor's answer is nested deeper than can be written again.
        """
        try:
            self.body = orjson.dumps(document)
        except orjson.JSONEncodeError:
            raise BadGateway(
                "the predictor's answer is nested too deeply, or holds a broken text: ask again, "
                "or for a simpler form"
            ) from None
