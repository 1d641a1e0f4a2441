"""Heads and chunks of answers, as bytes."""

from collections.abc import Iterable
from http import HTTPStatus

from pilotlight_transformer.http.head import HOP_BY_HOP
from pilotlight_transformer.pipeline.headers import Pair

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"

_NOT_HERE = HOP_BY_HOP | {b"content-length"}
_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


def may_have_body(status: int) -> bool:
    """Whether an answer of this status has a body at all (RFC 9110, 6.4.1)."""
    return status >= 200 and status not in {204, 304}


def render_head(
    status: int, headers: Iterable[Pair], *, length: int | None, close: bool, chunked: bool = False
) -> bytes:
    """Status line and headers, with the empty line at their end.

    Args:
        status: Of the answer.
        headers: Its own; those of a connection and ``content-length`` are written here.
        length: Of the body, if it is known.
        close: The connection ends with this answer.
        chunked: The body comes in chunks.

    Raises:
        ValueError: A header holds a line break.
    """
    parts = [_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
    lines = 2
    for name, value in headers:
        if name not in _NOT_HERE:
            parts += (name, b": ", value, b"\r\n")
            lines += 1
    if length is not None and may_have_body(status):
        parts.append(b"content-length: %d\r\n" % length)
        lines += 1
    elif chunked:
        parts.append(b"transfer-encoding: chunked\r\n")
        lines += 1
    if close:
        parts.append(b"connection: close\r\n")
        lines += 1
    parts.append(b"\r\n")
    head = b"".join(parts)
    if head.count(b"\n") != lines or head.count(b"\r") != lines:
        raise ValueError("a header of the answer holds a line break")
    return head


def render_chunk(data: bytes) -> bytes:
    """A piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)
