"""API keys: random, shown once, and kept as hashes only."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from pilotlight_transformer.auth.scopes import Scopes
from pilotlight_transformer.auth.verified import Verified, checked_tenant, verified

PREFIX = "pl_"
SECRET_BYTES = 32
ID_BYTES = 8

Tenant = Annotated[str, AfterValidator(checked_tenant)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 in hexadecimal. It is right for a key of 256 random bits, and for nothing weaker."""


class ApiKey(BaseModel):
    """A key as it is stored; the key itself is nowhere.

    Attributes:
        id: By which people and limits name it.
        name: What it is for, in its owner's words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    tenant: Tenant
    sha256: Digest
    name: Annotated[str, Field(max_length=200)] = ""
    scopes: Scopes = ()
    created: AwareDatetime
    expires: AwareDatetime | None = None
    revoked: AwareDatetime | None = None

    def caller(self) -> Verified:
        """Whoever holds it."""
        expires = None if self.expires is None else self.expires.timestamp()
        return verified("key", self.tenant, self.id, self.scopes, expires)

    def state(self, now: datetime) -> str:
        """``active``, ``expired`` or ``revoked``."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now else "active"


def digest(key: bytes) -> bytes:
    """What a key is looked up by; how long that takes depends on the hash only."""
    return hashlib.sha256(key).digest()


def new_key(
    tenant: str,
    name: str,
    scopes: Sequence[str],
    now: datetime,
    expires: datetime | None = None,
) -> tuple[str, ApiKey]:
    """A key, to be shown once, and what is stored of it.

    Raises:
        ValueError: The tenant, the name or a scope cannot be used.
    """
    key = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    stored = ApiKey(
        id="key_" + secrets.token_hex(ID_BYTES),
        tenant=tenant,
        name=name,
        scopes=tuple(scopes),
        sha256=digest(key.encode()).hex(),
        created=now.astimezone(UTC).replace(microsecond=0),
        expires=expires,
    )
    return key, stored
