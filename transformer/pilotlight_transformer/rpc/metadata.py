"""gRPC's metadata as headers, and back."""

import re
from collections.abc import Iterable

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.pipeline.headers import Headers, Pair

Metadata = tuple[tuple[str, str | bytes], ...]

_ONCE = frozenset(
    {
        b"authorization",
        b"x-api-key",
        b"x-priority",
        b"x-request-deadline-ms",
        b"x-request-id",
        b"x-tenant-id",
    }
)
"""Two of one of these, and two servers may follow different ones."""

_OWN = frozenset({"accept-encoding", "connection", "content-length", "content-type", "host", "te"})
"""Of one connection or one message: gRPC writes its own."""

_KEY = re.compile(r"[a-z0-9_.-]+")
_VALUE = re.compile(rb"[ -~]*")


def headers_of(metadata: Iterable[tuple[str, str | bytes]]) -> Headers:
    """What a client, or a predictor, sent.

    Names with an underscore are left out: some servers take ``x_tenant_id`` for ``x-tenant-id``.

    Raises:
        InvalidRequest: It says twice what may be said once.
    """
    pairs: list[Pair] = []
    seen: set[bytes] = set()
    for key, value in metadata:
        name = key.lower().encode("latin-1", "replace")
        if _is_own(key.lower()) or "_" in key:
            continue
        if name in _ONCE and name in seen:
            raise InvalidRequest(f"the metadata {name.decode()} is there twice: send it once")
        seen.add(name)
        pairs.append((name, value if isinstance(value, bytes) else value.encode("latin-1")))
    return Headers(pairs)


def metadata_of(headers: Iterable[Pair]) -> Metadata:
    """Headers as gRPC takes them; what it would not take is left out."""
    metadata: list[tuple[str, str | bytes]] = []
    for name, value in headers:
        key = name.decode("latin-1")
        if _is_own(key) or _KEY.fullmatch(key) is None:
            continue
        if key.endswith("-bin"):
            metadata.append((key, value))
        elif _VALUE.fullmatch(value):
            metadata.append((key, value.decode("ascii")))
    return tuple(metadata)


def _is_own(key: str) -> bool:
    return key in _OWN or key.startswith((":", "grpc-")) or key == "user-agent"
