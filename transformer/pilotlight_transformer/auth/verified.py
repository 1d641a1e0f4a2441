"""What is known of a caller whose credential was good."""

import re
from dataclasses import dataclass

from pilotlight_transformer.auth.scopes import Grants, grants
from pilotlight_transformer.pipeline.call import Identity

NAME = r"[A-Za-z0-9._@:/|+=-]{1,200}"
"""Tenants and subjects become parts of keys in stores: no spaces, no ``*``, no braces."""

_NAME = re.compile(NAME)

ANONYMOUS_TENANT = "anonymous"


def is_name(text: object) -> bool:
    """Whether a tenant or a subject may be called so."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def checked_tenant(tenant: str) -> str:
    """The same tenant.

    Raises:
        ValueError: It is no name, or the one that all anonymous callers share.
    """
    if not is_name(tenant):
        raise ValueError(
            "a tenant is 1 to 200 letters, digits or any of . _ @ : / | + = -, without spaces"
        )
    if tenant == ANONYMOUS_TENANT:
        raise ValueError(
            f"the tenant {ANONYMOUS_TENANT} belongs to callers without a key: choose another name"
        )
    return tenant


@dataclass(frozen=True, slots=True)
class Verified:
    """A caller, until ``expires``.

    Attributes:
        kind: ``key``, ``token`` or ``anonymous``.
        expires: Seconds since the epoch; ``None``: never.
    """

    kind: str
    identity: Identity
    grants: Grants
    expires: float | None = None


def verified(
    kind: str, tenant: str, subject: str, scopes: tuple[str, ...], expires: float | None = None
) -> Verified:
    """A caller with these scopes."""
    return Verified(kind, Identity(tenant, subject, scopes), grants(scopes), expires)
