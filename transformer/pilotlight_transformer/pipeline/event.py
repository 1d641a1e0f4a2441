"""Server-sent events, cut out of the bytes that come."""

from typing import Any

import orjson

DONE = b"[DONE]"
MAX_EVENT_BYTES = 8 * 2**20


class Event:
    """One event, as bytes; parsed only if somebody looks.

    Attributes:
        raw: With its empty line at the end: what goes on to the client.
    """

    __slots__ = ("_document", "_parsed", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._parsed = False
        self._document: dict[str, Any] | None = None

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Event":
        """An event whose data is a JSON object."""
        event = cls(b"data: " + orjson.dumps(document) + b"\n\n")
        event._document, event._parsed = document, True
        return event

    @property
    def data(self) -> bytes:
        """What its ``data:`` lines say, joined by line feeds (HTML standard, 9.2.6)."""
        lines = [
            line[5:].removeprefix(b" ")
            for line in self.raw.replace(b"\r\n", b"\n").split(b"\n")
            if line.startswith(b"data:")
        ]
        return b"\n".join(lines)

    @property
    def done(self) -> bool:
        """Whether it is OpenAI's last event."""
        return DONE in self.raw and self.data == DONE

    @property
    def document(self) -> dict[str, Any] | None:
        """Its data as a JSON object, to read; ``None`` if it is none."""
        if not self._parsed:
            self._parsed = True
            try:
                document = orjson.loads(self.data)
            except orjson.JSONDecodeError:
                document = None
            self._document = document if isinstance(document, dict) else None
        return self._document


class EventSplitter:
    """Cuts a stream of bytes at the empty lines, wherever the network cut it.

    Events may end in LF LF or CRLF CRLF. What has no end yet is kept.
    """

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Event]:
        """The events that are complete now.

        Raises:
            ValueError: One event is larger than :data:`MAX_EVENT_BYTES`.
        """
        text = self._rest + data if self._rest else data
        if b"\r" in text:
            return self._feed_crlf(text)
        *whole, self._rest = text.split(b"\n\n")
        if len(self._rest) > MAX_EVENT_BYTES:
            raise ValueError(f"an event is over {MAX_EVENT_BYTES} bytes")
        return [Event(part + b"\n\n") for part in whole if part.strip(b"\n")]

    def _feed_crlf(self, text: bytes) -> list[Event]:
        # A CR at the very end may be half of a CRLF.
        held = b"\r" if text.endswith(b"\r") else b""
        plain = text.removesuffix(b"\r").replace(b"\r\n", b"\n")
        self._rest = b""
        events = self.feed(plain.replace(b"\r", b"\n"))
        self._rest += held
        return events

    def rest(self) -> bytes:
        """What came after the last empty line; the stream has ended."""
        rest, self._rest = self._rest, b""
        return rest
