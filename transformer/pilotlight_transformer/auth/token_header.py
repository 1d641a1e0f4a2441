"""What a token says before anything of it is believed (RFC 7515, judged by RFC 8725)."""

import base64
import json
from dataclasses import dataclass
from typing import get_args

import orjson

from pilotlight_transformer.auth.refusal import invalid
from pilotlight_transformer.auth.settings import Algorithm

_ALGORITHMS = frozenset(get_args(Algorithm))
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt", "application/jwt"})
"""Types of access tokens. Others (``logout+jwt``, ``dpop+jwt``) say other things than who asks."""
MAX_KID_LENGTH = 512


@dataclass(frozen=True, slots=True)
class TokenHeader:
    """What a token says of its signature, before anything of it is believed."""

    algorithm: str
    kid: str | None


def parse_header(segment: bytes) -> TokenHeader:
    """A token's header. A key that it brings or points to (``jwk``, ``jku``, ``x5u``) is not read.

    Raises:
        Refused: It is no header of a token that is taken here.
    """
    try:
        header = json.loads(_decoded(segment), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise invalid() from None
    if not isinstance(header, dict) or "crit" in header or "b64" in header:
        # No extension is understood here, so a critical one must be refused (RFC 7515, 4.1.11).
        raise invalid()
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
        raise invalid()
    if kid is not None and not (isinstance(kid, str) and len(kid) <= MAX_KID_LENGTH):
        raise invalid()
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise invalid()
    return TokenHeader(algorithm, kid)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object whose names are there once: two servers may read the second or the first."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice")
    return found


def _decoded(segment: bytes) -> bytes:
    return base64.b64decode(segment + b"=" * (-len(segment) % 4), altchars=b"-_", validate=True)


def claimed_issuer(segment: bytes) -> str:
    """Which issuer's keys to try; nothing is believed of it."""
    try:
        claims = orjson.loads(_decoded(segment))
    except ValueError:
        raise invalid() from None
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    if not isinstance(issuer, str):
        raise invalid()
    return issuer
