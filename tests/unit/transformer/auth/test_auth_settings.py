"""Settings that cannot be meant are refused, with what to change."""

from pathlib import Path
from typing import Any

import pytest

from pilotlight.errors import UsageError
from pilotlight_transformer.pipeline.configuration import parse_configuration
from tests.unit.transformer.auth.issuing import private_key, public_pem
from tests.unit.transformer.auth.playing_auth import auth, issuer, static

PEM = public_pem(private_key("P-256"))
ONE = {"audience": "a", "public_key": PEM, "issuer": "https://one.test"}
TWO = {"audience": "a", "public_key": PEM, "issuer": "https://two.test"}
CLAIM = {"tenant_claim": "org"}

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "two issuers whose tokens name tenants alike": (
        {"issuers": [{**ONE, **CLAIM}, {**TWO, **CLAIM}]},
        "needs a tenant_prefix",
    ),
    "two issuers with one prefix": (
        {"issuers": [{**each, **CLAIM, "tenant_prefix": "x/"} for each in (ONE, TWO)]},
        "give each a tenant_prefix of its own",
    ),
    "two prefixes of which one begins with the other": (
        {
            "issuers": [
                {**ONE, **CLAIM, "tenant_prefix": "x"},
                {**TWO, **CLAIM, "tenant_prefix": "xy"},
            ]
        },
        "give each a tenant_prefix of its own",
    ),
    "a fixed tenant that another's tokens can name": (
        {"issuers": [{**ONE, **CLAIM, "tenant_prefix": ""}, {**TWO, "tenant": "acme"}]},
        "could name a tenant of two.test",
    ),
    "an issuer twice": (
        {"issuers": [{**ONE, "tenant": "x"}, {**ONE, "tenant": "y"}]},
        "is there twice",
    ),
    "two issuers of one name": (
        {"issuers": [{**ONE, "tenant": "x"}, {**TWO, "tenant": "y", "name": "one.test"}]},
        "give each a name",
    ),
    "no tenant": ({"issuers": [ONE]}, "either tenant"),
    "no audience": ({"issuers": [{**ONE, "tenant": "x", "audience": []}]}, "audience"),
    "an empty audience": ({"issuers": [{**ONE, "tenant": "x", "audience": ""}]}, "empty"),
    "no keys of an issuer": (
        {"issuers": [{"issuer": "i", "audience": "a", "tenant": "x"}]},
        "exactly one of jwks_url",
    ),
    "two kinds of keys of an issuer": (
        {"issuers": [{**ONE, "tenant": "x", "jwks_file": "/x"}]},
        "exactly one of jwks_url",
    ),
    "an algorithm that shares a secret": (
        {"issuers": [{**ONE, "tenant": "x", "algorithms": ["HS256"]}]},
        "algorithms",
    ),
    "no algorithm": (
        {"issuers": [{**ONE, "tenant": "x", "algorithms": ["none"]}]},
        "algorithms",
    ),
    "a key that is short": ({"keys": [static("short")]}, "at least 16"),
    "no key": ({"keys": [{"tenant": "x"}]}, "either key or key_sha256"),
    "a key twice": ({"keys": [static(), static(tenant="y")]}, "there twice"),
    "a name twice": (
        {"keys": [static(name="n"), static("another-key-entirely", name="n")]},
        "one name is there twice",
    ),
    "the anonymous tenant": ({"keys": [static(tenant="anonymous")]}, "belongs to callers without"),
    "a tenant with a space": ({"keys": [static(tenant="a b")]}, "a tenant is"),
    "a scope with a mistake": ({"keys": [static(scopes=["chats:*"])]}, "opens no route"),
    "anonymous callers without scopes": ({"anonymous": "allow"}, "go together"),
    "scopes of nobody": ({"anonymous_scopes": ["chat:*"]}, "go together"),
    "nobody": ({"anonymous": "allow", "anonymous_scopes": ["*:*"]}, "nobody can have"),
    "http": ({"issuers": [issuer(jwks_url="http://issuer.test/")]}, "must be https"),
    "http although it is allowed": (
        {"issuers": [issuer(jwks_url="http://issuer.test/", allow_http=True)]},
        "must be https",
    ),
    "http of a name that only looks near": (
        {"issuers": [issuer(jwks_url="http://127.0.0.1.issuer.test/", allow_http=True)]},
        "must be https",
    ),
    "http that is not allowed": (
        {"issuers": [issuer(jwks_url="http://dex.auth.svc/keys")]},
        "set allow_http",
    ),
    "a file for a URL": ({"issuers": [issuer(jwks_url="file:///etc/passwd")]}, "jwks_url must be"),
    "a password in a URL": ({"issuers": [issuer(jwks_url="https://u:p@i.test/")]}, "without user"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_a_setting_that_cannot_be_meant_is_refused(what: str, tmp_path: Path) -> None:
    settings, said = WRONG[what]
    with pytest.raises(UsageError) as wrong:
        async with auth(tmp_path, **settings):
            pass
    assert said in str(wrong.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"issuers": [{**ONE, "tenant": "x"}, {**TWO, "tenant": "x"}]},
        {"issuers": [{**ONE, **CLAIM, "tenant_prefix": "one/"}, {**TWO, "tenant": "two"}]},
        {"issuers": [{**ONE, **CLAIM, "tenant_prefix": ""}], "keys": [static(tenant="acme")]},
        {"keys_database": True},
    ],
)
async def test_settings_that_can_be_meant_are_taken(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    async with auth(tmp_path, **settings):
        pass


@pytest.mark.parametrize(
    "pem",
    [
        "no key",
        public_pem(private_key("secp256k1")),
        public_pem(private_key("RSA1024")),
    ],
)
async def test_a_public_key_that_is_weak_or_none_is_refused(pem: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="public_key is"):
        async with auth(tmp_path, issuers=[issuer(public_key=pem)]):
            pass


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::1]", "dex.auth.svc", "a.b.svc.cluster.local"]
)
def test_http_is_for_loopback_and_the_cluster_if_it_is_allowed(host: str) -> None:
    text = f"""
pipeline:
- auth:
    issuers:
    - {{issuer: x, audience: y, tenant: z, jwks_url: "http://{host}:5556/keys", allow_http: true}}
"""
    assert parse_configuration(text, {}).steps


def test_a_key_comes_from_the_environment_and_is_in_no_message() -> None:
    text = "pipeline: [{auth: {keys: [{tenant: acme, key: '${THE_KEY}'}]}}]"
    secret = "a-secret-of-enough-characters"
    configuration = parse_configuration(text, {"THE_KEY": secret})
    assert secret not in repr(configuration)
    with pytest.raises(UsageError) as wrong:
        parse_configuration(text, {"THE_KEY": "too-short"})
    assert "too-short" not in str(wrong.value)
