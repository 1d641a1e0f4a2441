"""API keys (vLLM's ``--api-key``) for every protocol, not only for OpenAI's paths."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from pilotlight.errors import Unauthorized


class ApiKeys:
    """Knows the hashes of the keys; with no key every request passes."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._hashes = [_hash(key) for key in keys if key]

    def check(self, headers: Mapping[str, str]) -> None:
        """Look for ``Authorization: Bearer KEY`` among lower-case headers.

        Raises:
            Unauthorized: Keys are asked for, and this is none of them.
        """
        if not self._hashes:
            return
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = _hash(token.strip())
        known = [hmac.compare_digest(given, each) for each in self._hashes]
        if scheme.lower() != "bearer" or not any(known):
            raise Unauthorized("this server asks for a key: send 'Authorization: Bearer KEY'")


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
