"""Signed tokens (RFC 7519): verified once, and remembered while they hold."""

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Any

import jwt

from pilotlight.clock import Clock
from pilotlight_transformer.auth.claims import check_times
from pilotlight_transformer.auth.issuer import Issuer
from pilotlight_transformer.auth.jwks import KeySource, key_source
from pilotlight_transformer.auth.key_set import KeySet, VerifyingKey
from pilotlight_transformer.auth.refusal import invalid
from pilotlight_transformer.auth.settings import IssuerSettings
from pilotlight_transformer.auth.token_header import TokenHeader, claimed_issuer, parse_header
from pilotlight_transformer.auth.verified import Verified

_SHAPE = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")


class Tokens:
    """Verifies tokens, and remembers those that were good.

    What it remembers of a token is its hash. It forgets when the token ends, when its issuer's
    keys are others, and the oldest first when there are too many.

    Args:
        told: Called with an issuer's label and ``ok`` or ``failed`` after each fetch of its keys.
    """

    def __init__(
        self,
        issuers: Iterable[IssuerSettings],
        clock: Clock,
        max_bytes: int,
        remembered: int,
        told: Callable[[str, str], None] = lambda label, outcome: None,
    ) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._most = remembered
        self._remembered: dict[bytes, tuple[Verified, KeySource, KeySet]] = {}
        self._issuers = {
            each.issuer: Issuer(each, key_source(each, clock, _telling(told, each.label)))
            for each in issuers
        }

    def __len__(self) -> int:
        return len(self._remembered)

    async def start(self) -> None:
        """Fetch the keys of all issuers at once, and keep them fresh."""
        starts = [issuer.source.start() for issuer in self._issuers.values()]
        for failure in await asyncio.gather(*starts, return_exceptions=True):
            if failure is not None:
                raise failure

    async def stop(self) -> None:
        """Fetch no more."""
        for issuer in self._issuers.values():
            await issuer.source.stop()

    def known(self, digest: bytes) -> Verified | None:
        """Whose token this is, if it was verified before and still holds; it may have expired.

        Raises:
            Unavailable: Its issuer's keys are not known any more.
        """
        found = self._remembered.get(digest)
        if found is None:
            return None
        caller, source, keys = found
        if source.get() is keys:
            return caller
        del self._remembered[digest]
        return None

    async def verify(self, token: bytes, digest: bytes) -> Verified:
        """Whose token this is.

        Raises:
            Refused: It is not good.
            Unavailable: Whether it is cannot be known now.
        """
        shape = _SHAPE.fullmatch(token) if len(token) <= self._max_bytes else None
        if shape is None:
            raise invalid()
        header = parse_header(shape[1])
        issuer = self._issuers.get(claimed_issuer(shape[2]))
        if issuer is None:
            raise invalid()
        keys, key = await issuer.key(header)
        claims = _verified_claims(token, header, key, issuer.settings)
        ends = check_times(claims, self._clock.time(), issuer.settings.leeway_s)
        caller = issuer.caller(claims, ends)
        while len(self._remembered) >= self._most:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[digest] = (caller, issuer.source, keys)
        return caller


def _verified_claims(
    token: bytes, header: TokenHeader, key: VerifyingKey, settings: IssuerSettings
) -> dict[str, Any]:
    """The claims of a token with a good signature, issuer and audience."""
    try:
        return jwt.decode(
            token,
            key.key,
            # The header's algorithm is one of the issuer's, and one that the key is made for.
            algorithms=[header.algorithm],
            audience=settings.audience,
            issuer=settings.issuer,
            options={
                "require": ["exp", "iss", "aud"],
                "enforce_minimum_key_length": True,
                # Times are checked against the process's own clock, by check_times.
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        raise invalid() from None


def _telling(told: Callable[[str, str], None], label: str) -> Callable[[str], None]:
    return lambda outcome: told(label, outcome)
