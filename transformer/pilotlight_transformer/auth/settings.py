"""What the YAML says under ``auth``."""

import ipaddress
from itertools import combinations
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from pilotlight_transformer.auth.api_keys import Digest, Tenant, digest
from pilotlight_transformer.auth.scopes import EVERYTHING, Scopes
from pilotlight_transformer.auth.verified import is_name
from pilotlight_transformer.pipeline.step import StepSettings

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
"""All of them have a public and a private key: with those that share a secret (HS256), whoever
can check a token can forge it."""

LEAST_KEY = 16
"""Characters of a key that a person makes up; its hash is only as good as the key."""
CLUSTER = (".svc", ".cluster.local")


def _prefix(prefix: str) -> str:
    if prefix and not is_name(prefix):
        raise ValueError("a tenant_prefix is letters, digits or any of . _ @ : / | + = -")
    return prefix


class StaticKey(BaseModel):
    """A key that stands in the settings, itself (by ``${VARIABLE}``) or as its hash."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant: Tenant
    key: SecretStr | None = None
    key_sha256: Digest | None = None
    name: str | None = None
    scopes: Scopes = (EVERYTHING,)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.key is None) == (self.key_sha256 is None):
            raise ValueError("give either key or key_sha256")
        if self.key is not None:
            key = self.key.get_secret_value()
            if len(key) < LEAST_KEY or not (key.isascii() and key.isprintable() and " " not in key):
                raise ValueError(
                    f"key must be at least {LEAST_KEY} random ASCII characters without spaces: "
                    "make one with `pilotlight keys create --print`"
                )
        if self.name is not None and not is_name(self.name):
            raise ValueError("name may not hold spaces or special characters")
        return self

    @property
    def digest(self) -> bytes:
        """The hash by which it is found."""
        if self.key is not None:
            return digest(self.key.get_secret_value().encode())
        return bytes.fromhex(self.key_sha256 or "")

    @property
    def subject(self) -> str:
        """How limits and the audit call it."""
        return self.name or f"static-{self.digest.hex()[:12]}"


class IssuerSettings(BaseModel):
    """Whose signed tokens are taken, and for what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: Annotated[str, Field(min_length=1)]
    audience: Annotated[tuple[str, ...], Field(min_length=1)]
    name: str | None = None
    jwks_url: str | None = None
    jwks_file: Path | None = None
    public_key: str | None = None
    allow_http: bool = False
    ca_file: Path | None = None
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = ("RS256", "ES256", "EdDSA")
    leeway_s: Annotated[float, Field(ge=0, le=300)] = 30.0
    tenant: Tenant | None = None
    tenant_claim: str | None = None
    tenant_prefix: Annotated[str, AfterValidator(_prefix)] | None = None
    subject_claim: str = "sub"
    scopes_claim: str | None = None
    scopes: Scopes | None = None
    ttl_s: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    stale_s: Annotated[float, Field(ge=0, le=86_400)] = 3600.0
    min_refresh_s: Annotated[float, Field(gt=0)] = 30.0
    retry_s: Annotated[float, Field(gt=0)] = 5.0
    timeout_s: Annotated[float, Field(gt=0, le=30)] = 5.0

    @model_validator(mode="before")
    @classmethod
    def _one_audience(cls, given: object) -> object:
        if isinstance(given, dict) and isinstance(given.get("audience"), str):
            return {**given, "audience": [given["audience"]]}
        return given

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if any(not audience for audience in self.audience):
            raise ValueError("an audience is empty: name this service as its tokens do")
        if [self.jwks_url, self.jwks_file, self.public_key].count(None) != 2:
            raise ValueError("give exactly one of jwks_url, jwks_file and public_key")
        if self.jwks_url is not None:
            _check_url(self.jwks_url, self.allow_http)
        if (self.tenant is None) == (self.tenant_claim is None):
            raise ValueError("give either tenant (one for all its tokens) or tenant_claim")
        if self.tenant is not None and self.tenant_prefix is not None:
            raise ValueError("tenant_prefix goes with tenant_claim: write it into tenant itself")
        if self.tenant_claim is not None and self.tenant_prefix is None:
            raise ValueError(
                "tenant_claim needs a tenant_prefix, such as 'acme/', so that no token can name "
                "the tenant of another issuer or key; '' if its tenants are meant to be the same"
            )
        if self.scopes_claim is not None and self.scopes is not None:
            raise ValueError("give either scopes (for all its tokens) or scopes_claim")
        if not is_name(self.label):
            raise ValueError("name the issuer: name, without spaces or special characters")
        return self

    @property
    def label(self) -> str:
        """How subjects, metrics and logs call it."""
        return self.name or urlsplit(self.issuer).hostname or self.issuer


class AuthSettings(StepSettings):
    """Settings of the step ``auth``."""

    keys: tuple[StaticKey, ...] = ()
    keys_database: bool = True
    keys_file: Path | None = None
    keys_refresh_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    keys_stale_s: Annotated[float, Field(ge=0, le=86_400)] = 300.0
    issuers: tuple[IssuerSettings, ...] = ()
    max_token_bytes: Annotated[int, Field(ge=256, le=65_536)] = 8192
    cached_tokens: Annotated[int, Field(ge=1)] = 10_000
    anonymous: Literal["allow", "refuse"] = "refuse"
    anonymous_scopes: Scopes = ()

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if (self.anonymous == "allow") != bool(self.anonymous_scopes):
            raise ValueError(
                "anonymous: allow and anonymous_scopes go together: say what callers without a "
                f"key may do, such as ['chat:*'] or ['{EVERYTHING}']"
            )
        if not (self.keys or self.keys_database or self.keys_file or self.issuers):
            raise ValueError("nobody can have a key or a token: give keys, keys_file or issuers")
        return self

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if len({key.digest for key in self.keys}) < len(self.keys):
            raise ValueError("keys: one key is there twice")
        if len({key.subject for key in self.keys}) < len(self.keys):
            raise ValueError("keys: one name is there twice: limits could not tell them apart")
        for one, other in combinations(self.issuers, 2):
            if one.issuer == other.issuer:
                raise ValueError(f"issuers: {one.issuer} is there twice")
            if one.label == other.label:
                raise ValueError(f"issuers: two are called {one.label}: give each a name")
            _check_tenants_apart(one, other)
        return self


def _check_tenants_apart(one: IssuerSettings, other: IssuerSettings) -> None:
    """Nothing, if no token of the one can name a tenant of the other by its claim."""
    for claiming, also in ((one, other), (other, one)):
        if claiming.tenant_prefix is None:
            continue
        theirs = also.tenant if also.tenant is not None else also.tenant_prefix or ""
        if theirs.startswith(claiming.tenant_prefix):
            raise ValueError(
                f"issuers: a token of {claiming.label} could name a tenant of {also.label}: give "
                "each a tenant_prefix of its own, of which none begins with another one, such as "
                f"'{claiming.label}/' and '{also.label}/'"
            )


def _check_url(url: str, allow_http: bool) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or parts.username is not None or parts.fragment:
        raise ValueError("jwks_url must be a URL with a host, without user and fragment")
    if parts.scheme == "https":
        return
    if parts.scheme != "http" or not _is_near(host):
        raise ValueError(
            "jwks_url must be https: whoever can change these keys on their way can make tokens"
        )
    if not allow_http:
        raise ValueError("jwks_url is http: set allow_http for loopback or a cluster's service")


def _is_near(host: str) -> bool:
    if host == "localhost" or host.endswith(CLUSTER):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
