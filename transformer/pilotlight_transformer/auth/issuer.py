"""One issuer of tokens: which of its keys a token means, and whom its claims name."""

from collections.abc import Iterable, Mapping
from typing import Any

from pilotlight.errors import Unavailable
from pilotlight_transformer.auth.claims import claim
from pilotlight_transformer.auth.jwks import KeySource
from pilotlight_transformer.auth.key_set import KeySet, VerifyingKey
from pilotlight_transformer.auth.refusal import invalid
from pilotlight_transformer.auth.settings import IssuerSettings
from pilotlight_transformer.auth.token_header import TokenHeader
from pilotlight_transformer.auth.verified import ANONYMOUS_TENANT, Verified, is_name, verified

DEFAULT_SCOPES_CLAIM = "scope"


class Issuer:
    """One issuer: its settings and its keys."""

    def __init__(self, settings: IssuerSettings, source: KeySource) -> None:
        self.settings = settings
        self.source = source

    async def key(self, header: TokenHeader) -> tuple[KeySet, VerifyingKey]:
        """The key that a token means, fetched if it may be new.

        Raises:
            Refused: There is none such.
            Unavailable: It cannot be known.
        """
        if header.algorithm not in self.settings.algorithms:
            raise invalid()
        keys = self.source.get()
        found = keys.find(header.kid, header.algorithm)
        if found is None and await self.source.ask_again():
            keys = self.source.get()
            found = keys.find(header.kid, header.algorithm)
        if found is not None:
            return keys, found
        if self.source.failing:
            raise Unavailable(
                f"the keys of the issuer {self.settings.label} cannot be fetched at the moment, "
                "and the token's is not among those known: try again",
                retry_after_s=self.settings.retry_s,
            )
        raise invalid()

    def caller(self, claims: Mapping[str, Any], ends: float) -> Verified:
        """Whom a good token names.

        Raises:
            Refused: It names nobody that can be told apart.
        """
        settings = self.settings
        subject = claim(claims, settings.subject_claim)
        tenant: object = settings.tenant
        if settings.tenant_claim is not None:
            tenant = claim(claims, settings.tenant_claim)
            # An empty claim behind a prefix would be a tenant that nobody meant.
            if not is_name(tenant):
                raise invalid()
            tenant = f"{settings.tenant_prefix}{tenant}"
        if not is_name(tenant) or tenant == ANONYMOUS_TENANT or not is_name(subject):
            raise invalid()
        # Each issuer numbers its subjects as it likes: two of them may have a "1234".
        named = f"{settings.label}:{subject}"
        return verified("token", str(tenant), named, self._scopes(claims), ends)

    def _scopes(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        if self.settings.scopes is not None:
            return self.settings.scopes
        given = claim(claims, self.settings.scopes_claim or DEFAULT_SCOPES_CLAIM)
        parts: Iterable[object] = given.split(" ") if isinstance(given, str) else ()
        if isinstance(given, list):
            parts = given
        return tuple(part for part in parts if isinstance(part, str) and part)
