"""A request's head, read so that no server behind this one can read it differently."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.pipeline.headers import Headers, Pair

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""They belong to one connection and never go on (RFC 9110, 7.6.1)."""

FORWARDED = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"via"})
"""Headers of gateways: whoever sends one does not ask directly."""

_ONCE = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"expect",
        b"host",
        b"transfer-encoding",
        b"x-api-key",
        b"x-priority",
        b"x-request-deadline-ms",
        b"x-request-id",
        b"x-tenant-id",
    }
)
"""Two of one of these, and two servers may follow different ones."""

_OURS = frozenset({b"host", b"content-length", b"expect", b"http2-settings"})
"""Read here, and written anew for the next server."""

_SPECIAL = HOP_BY_HOP | FORWARDED | _ONCE | _OURS
_OPTIONS = frozenset({b"", b"close", b"keep-alive", b"upgrade"})
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")
_QUERY = re.compile(rb"[!-\"$-~]*")
_NUMBER = re.compile(rb"[0-9]{1,19}")


@dataclass(slots=True)
class Head:
    """What the head of a request says.

    Attributes:
        headers: Those that may go on: without hop-by-hop headers, what ``connection`` names,
            ``host``, ``content-length``, and names with an underscore.
        length: Of the body, if it is told; 0 without a body.
        chunked: The body comes in chunks.
        expects: The client waits for ``100 Continue``.
        forwarded: A gateway has sent the request on.
    """

    method: bytes
    path: bytes
    query: bytes
    headers: Headers
    length: int | None = 0
    chunked: bool = False
    expects: bool = False
    forwarded: bool = False

    @property
    def has_body(self) -> bool:
        """Whether a body follows."""
        return self.chunked or bool(self.length)


def read_head(method: bytes, target: bytes, pairs: Sequence[Pair], *, old: bool) -> Head:
    """Check a head that llhttp took for one, more strictly than it does.

    Args:
        method: Of the request line.
        target: Of the request line; only the origin form is taken (RFC 9112, 3.2.1).
        pairs: The headers, names in lower case.
        old: It is HTTP/1.0.

    Raises:
        InvalidRequest: It can be read in two ways, or asks for what is not offered.
    """
    path, _, query = target.partition(b"?")
    if not path.startswith(b"/") or _QUERY.fullmatch(query) is None:
        raise InvalidRequest("the target must be a plain path: /v1/..., without '#' or a host")
    head = Head(method, path, query, Headers())
    kept = head.headers.pairs
    special: dict[bytes, bytes] = {}
    for name, value in pairs:
        if name in _SPECIAL:
            if name in _ONCE and name in special:
                raise InvalidRequest(f"the header {name.decode()} is there twice: send it once")
            if name == b"connection" and name in special:
                value = special[name] + b"," + value
            special[name] = value = value.strip(b" \t")
            if name not in HOP_BY_HOP and name not in _OURS:
                kept.append((name, value))
        elif b"_" not in name:
            kept.append((name, value.strip(b" \t")))
    _frame(head, special, old=old)
    if b"connection" in special:
        kept[:] = without_named(kept, special[b"connection"])
    head.forwarded = not FORWARDED.isdisjoint(special)
    return head


def _frame(head: Head, special: dict[bytes, bytes], *, old: bool) -> None:
    host = special.get(b"host")
    if host is None and not old:
        raise InvalidRequest("the header host is missing")
    if host is not None and _HOST.fullmatch(host) is None:
        raise InvalidRequest("the header host is no host's name")
    coding, length = special.get(b"transfer-encoding"), special.get(b"content-length")
    if coding is not None:
        if length is not None:
            raise InvalidRequest("content-length and transfer-encoding exclude each other")
        if old or coding.lower() != b"chunked":
            raise InvalidRequest("transfer-encoding: only 'chunked' is taken, with HTTP/1.1")
        head.chunked, head.length = True, None
    elif length is not None:
        if _NUMBER.fullmatch(length) is None:
            raise InvalidRequest("content-length is not a number")
        head.length = int(length)
    expect = special.get(b"expect")
    if expect is not None and not old:
        if expect.lower() != b"100-continue":
            raise InvalidRequest("expect: only '100-continue' is known")
        head.expects = head.has_body


def without_named(pairs: list[Pair], connection: bytes) -> list[Pair]:
    """The headers without those that the header ``connection`` names."""
    named = {token.strip(b" \t") for token in connection.lower().split(b",")}
    if named <= _OPTIONS:
        return pairs
    return [pair for pair in pairs if pair[0] not in named]
