"""A call as the request that goes on to a predictor."""

from collections.abc import Iterable

import orjson

from pilotlight.errors import DeadlineExceeded, InvalidRequest
from pilotlight.http_headers import LONGEST_DEADLINE_MS, deadline_s
from pilotlight_transformer.http.reply import REQUEST_ID
from pilotlight_transformer.pipeline.call import ANONYMOUS, Call
from pilotlight_transformer.pipeline.headers import Pair
from pilotlight_transformer.pipeline.target import Target

DEADLINE = b"x-request-deadline-ms"
TENANT = b"x-tenant-id"

_HERE = frozenset({b"host", b"content-length", b"connection", b"transfer-encoding"})


class ClientDeadline(DeadlineExceeded):
    """The client's own deadline has passed, which says nothing about the predictor."""


def deadline_of(call: Call) -> float | None:
    """When nobody waits for the answer any more, on the clock of ``arrived_at``.

    Raises:
        InvalidRequest: The header is no number of milliseconds.
    """
    value = call.headers.get(DEADLINE)
    if value is None:
        return None
    seconds = deadline_s(value)
    if seconds is None:
        raise InvalidRequest(
            f"header {DEADLINE.decode()}: give a number of milliseconds between 0 and "
            f"{LONGEST_DEADLINE_MS}",
            param=DEADLINE.decode(),
        )
    return call.arrived_at + seconds


def onward_headers(call: Call, now: float, *, plain: bool) -> list[Pair]:
    """The headers that go on.

    Args:
        call: Whose headers.
        now: On the clock of ``arrived_at``.
        plain: Steps read the answer, so it must not be compressed.

    Raises:
        ClientDeadline: Nobody waits any more.
    """
    deadline = deadline_of(call)
    tenant = call.identity.tenant if call.identity is not ANONYMOUS else None
    headers = []
    for pair in call.headers:
        name = pair[0]
        if name == REQUEST_ID or name in _HERE:
            continue
        if (name == DEADLINE and deadline is not None) or (name == TENANT and tenant is not None):
            continue
        if plain and name == b"accept-encoding":
            continue
        headers.append(pair)
    headers.append((REQUEST_ID, call.request_id.encode("latin-1", "replace")))
    if tenant is not None:
        headers.append((TENANT, tenant.encode()))
    if deadline is not None:
        left_ms = (deadline - now) * 1000
        if left_ms <= 0:
            raise past_deadline()
        headers.append((DEADLINE, b"%d" % max(1, round(left_ms))))
    return headers


def past_deadline() -> ClientDeadline:
    """What a call is answered whose client has said that it waits no longer."""
    return ClientDeadline(
        "the deadline of x-request-deadline-ms has passed: allow more time or ask for less"
    )


def path_for(call: Call, target: Target) -> str:
    """The path, with the model's name as the target knows it."""
    name = call.path_name
    if target.model is None or name is None or target.model == name:
        return call.path
    for prefix in ("/v1/models/", "/v2/models/"):
        if call.path.startswith(prefix + name):
            return prefix + target.model + call.path.removeprefix(prefix + name)
    return call.path


def body_for(call: Call, target: Target) -> bytes:
    """The body, with the model's name as the target knows it."""
    payload = call.payload()
    if target.model is None or call.path_name is not None or not payload:
        return payload
    document = call.document
    if document.get("model") == target.model:
        return payload
    return orjson.dumps({**document, "model": target.model})


def render_request(
    method: str, path: str, query: bytes, host: str, headers: Iterable[Pair], body: bytes
) -> bytes:
    """A request's bytes.

    Raises:
        ValueError: A header holds a line break.
    """
    line = f"{method} {path}".encode("ascii")
    if query:
        line += b"?" + query
    parts = [line, b" HTTP/1.1\r\nhost: ", host.encode("ascii"), b"\r\n"]
    lines = 3
    for name, value in headers:
        parts += (name, b": ", value, b"\r\n")
        lines += 1
    if body or method not in {"GET", "DELETE"}:
        parts.append(b"content-length: %d\r\n" % len(body))
        lines += 1
    parts.append(b"\r\n")
    head = b"".join(parts)
    if head.count(b"\n") != lines or head.count(b"\r") != lines:
        raise ValueError("a header of the request holds a line break")
    return head + body
