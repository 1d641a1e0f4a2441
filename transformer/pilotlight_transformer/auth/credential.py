"""The key or token that a request carries, taken out of its headers."""

import re

from pilotlight_transformer.auth.refusal import ambiguous, invalid
from pilotlight_transformer.pipeline.headers import Headers

_TAKEN = frozenset({b"authorization", b"x-api-key", b"x-tenant-id"})
"""Never goes on: credentials, and the tenant that a client claims to be."""

_BEARER = re.compile(rb"(?i:bearer) +([\x21-\x7e]+)")
_PLAIN = re.compile(rb"[\x21-\x7e]+")


def take_credential(headers: Headers) -> bytes | None:
    """Remove what names the caller from ``headers``, and return the key or token.

    ``Authorization: Bearer`` and ``x-api-key`` may both be there if they say the same.

    Returns:
        ``None`` if there is none at all.

    Raises:
        Refused: There are several, or it is written as no key or token is.
    """
    taken = [pair for pair in headers.pairs if pair[0] in _TAKEN]
    if not taken:
        return None
    headers.pairs = [pair for pair in headers.pairs if pair[0] not in _TAKEN]
    given = [pair for pair in taken if pair[0] != b"x-tenant-id"]
    if len({name for name, _ in given}) < len(given):
        raise ambiguous()
    found = {_credential(name, value) for name, value in given}
    if len(found) > 1:
        raise ambiguous()
    return found.pop() if found else None


def _credential(name: bytes, value: bytes) -> bytes:
    if name == b"authorization":
        match = _BEARER.fullmatch(value.strip(b" \t"))
        if match is None:
            raise invalid()
        return match[1]
    plain = value.strip(b" \t")
    if _PLAIN.fullmatch(plain) is None:
        raise invalid()
    return plain
