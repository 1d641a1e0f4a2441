"""Tokens: the good ones name their caller, and every way to forge one is refused."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.clock import SimulatedClock
from pilotlight_transformer.auth.claims import check_times
from pilotlight_transformer.auth.refusal import Refused
from tests.unit.transformer.auth.issuing import (
    ISSUER,
    JwksServer,
    claims,
    jwk,
    kind_for,
    part,
    private_key,
    public_pem,
    raw_token,
    token,
)
from tests.unit.transformer.auth.playing_auth import (
    auth,
    bearing,
    issuer,
    now_clock,
    refusal,
    static,
    status,
)
from tests.unit.transformer.playing import Play

ALGORITHMS = (
    "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA".split()  # noqa: SIM905
)
GOOD = private_key("RSA2048")
NOT_VALID = "the key or token is not valid: ask for a new one"
EXPIRED = "the key or token has expired: ask for a new one"


@pytest.fixture
def jwks_file(tmp_path: Path) -> Path:
    entries = [
        jwk(GOOD, "one"),
        jwk(private_key("P-256"), "ec"),
        jwk(private_key("Ed25519"), "ed"),
    ]
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": entries}))
    return path


@pytest.fixture
async def play(tmp_path: Path, jwks_file: Path) -> AsyncIterator[Play]:
    settings = issuer(jwks_file=str(jwks_file), algorithms=ALGORITHMS)
    async with auth(tmp_path, issuers=[settings]) as play:
        yield play


async def test_a_good_token_names_tenant_subject_and_scopes(play: Play) -> None:
    call = bearing(token(GOOD))
    assert (await play.send(call)).status == 200
    assert call.identity.tenant == "acme"
    assert call.identity.subject == "issuer.test:alice"
    assert call.identity.scopes == ("openid", "chat:*", "models:*")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_every_asymmetric_algorithm_is_taken(algorithm: str, tmp_path: Path) -> None:
    key = private_key(kind_for(algorithm))
    settings = issuer(public_key=public_pem(key), algorithms=[algorithm])
    async with auth(tmp_path, issuers=[settings]) as play:
        assert await status(play, token(key, algorithm=algorithm)) == 200
        other = private_key(kind_for(algorithm), 1)
        assert await status(play, token(other, algorithm=algorithm)) == 401


FORGED: dict[str, Any] = {
    "of another key": lambda: token(private_key("RSA2048", 1)),
    "of another kid's key": lambda: token(GOOD, kid="ec"),
    "of a kid that is a path": lambda: token(GOOD, kid="../../../dev/null"),
    "of a kid that is a query": lambda: token(GOOD, kid="one' OR '1'='1"),
    "without kid where two keys could be meant": lambda: token(private_key("RSA2048", 1), kid=None),
    "unsigned": lambda: raw_token({"alg": "none", "kid": "one"}, claims(), lambda _: b""),
    "unsigned, with a signature": lambda: raw_token(
        {"alg": "none", "kid": "one"}, claims(), lambda _: b"x"
    ),
    "unsigned, in other letters": lambda: raw_token(
        {"alg": "nOnE", "kid": "one"}, claims(), lambda _: b"x"
    ),
    "without algorithm": lambda: raw_token({"kid": "one"}, claims(), lambda _: b"x"),
    "of a list of algorithms": lambda: raw_token(
        {"alg": ["RS256"], "kid": "one"}, claims(), lambda _: b"x"
    ),
    "with HS256 by the public key in PEM": lambda: raw_token(
        {"alg": "HS256", "kid": "one"}, claims(), _by_secret(public_pem(GOOD).encode())
    ),
    "with HS256 by the public key as JWK": lambda: raw_token(
        {"alg": "HS256", "kid": "one"}, claims(), _by_secret(json.dumps(jwk(GOOD, "one")).encode())
    ),
    "with HS256 by nothing": lambda: raw_token(
        {"alg": "HS256", "kid": "one"}, claims(), _by_secret(b"")
    ),
    "by a key that it brings along": lambda: token(
        private_key("RSA2048", 1), headers={"jwk": jwk(private_key("RSA2048", 1), "one")}
    ),
    "of an elliptic key under the name of an RSA one": lambda: token(
        private_key("P-256"), kid="one", algorithm="ES256"
    ),
    "with a critical extension": lambda: token(GOOD, headers={"crit": ["exp"], "exp": 1}),
    "with an empty list of critical extensions": lambda: _signed('{"crit":[]'),
    "with a critical extension that the library knows": lambda: _signed(
        '{"crit":["b64"],"b64":true'
    ),
    "with critical extensions twice": lambda: _signed('{"crit":["b64"],"b64":true,"crit":["b64"]'),
    "with its algorithm twice": lambda: _signed('{"alg":"none"'),
    "with its kid twice": lambda: _signed('{"kid":"ec"'),
    "with an unencoded payload": lambda: _signed('{"b64":false'),
    "of another type": lambda: token(GOOD, headers={"typ": "logout+jwt"}),
    "of a type that is no text": lambda: _signed('{"typ":1'),
    "with a kid that is a number": lambda: _signed('{"typ":"JWT"', kid="1"),
    "of another issuer": lambda: token(GOOD, iss="https://other.test/"),
    "of an issuer that only begins so": lambda: token(GOOD, iss=ISSUER + "x"),
    "of no issuer": lambda: token(GOOD, iss=None),
    "of two issuers": lambda: raw_token(
        {"alg": "RS256", "kid": "one"}, claims(iss=[ISSUER, "x"]), _by_key(GOOD)
    ),
    "for another audience": lambda: token(GOOD, aud="elsewhere"),
    "for other audiences": lambda: token(GOOD, aud=["elsewhere", "pilot"]),
    "for no audience": lambda: token(GOOD, aud=None),
    "for an empty audience": lambda: token(GOOD, aud=[]),
    "without end": lambda: token(GOOD, exp=None),
    "with a text for an end": lambda: token(GOOD, exp="99999999999"),
    "with no number for an end": lambda: token(GOOD, exp=True),
    "with an endless end": lambda: token(GOOD, exp=float("inf")),
    "not valid yet": lambda: token(GOOD, nbf=claims()["iat"] + 600),
    "of the future": lambda: token(GOOD, iat=claims()["iat"] + 600),
    "without subject": lambda: token(GOOD, sub=None),
    "without tenant": lambda: token(GOOD, org=None),
    "of an empty tenant": lambda: token(GOOD, org=""),
    "of two tenants": lambda: token(GOOD, org=["acme", "other"]),
    "of the anonymous tenant": lambda: token(GOOD, org="anonymous"),
    "of a tenant with a pattern": lambda: token(GOOD, org="ac*"),
    "of a tenant with a line feed": lambda: token(GOOD, org="acme\n"),
    "that is too long": lambda: token(GOOD, more="x" * 9000),
    "cut": lambda: token(GOOD)[:-10],
    "with a padded signature": lambda: token(GOOD) + "==",
    "with five parts": lambda: token(GOOD) + ".x.y",
    "with an empty signature": lambda: token(GOOD).rsplit(".", 1)[0] + ".",
    "of nested brackets": lambda: ".".join([part("[" * 4000)] * 3),
    "of no JSON": lambda: "a.b.c",
    "whose payload is a list": lambda: raw_token(
        {"alg": "RS256", "kid": "one"}, ["iss"], _by_key(GOOD)
    ),
}


def _by_secret(secret: bytes) -> Any:
    return lambda signed: hmac.digest(secret, signed, hashlib.sha256)


def _by_key(key: Any) -> Any:
    algorithm = jwt.get_algorithm_by_name("RS256")
    return lambda signed: algorithm.sign(signed, key)


def _signed(beginning: str, kid: str = '"one"') -> str:
    """A token rightly signed by the good key, whose header begins in an odd way."""
    header = f'{beginning},"alg":"RS256","kid":{kid}}}'
    return raw_token(header, claims(), _by_key(GOOD))


@pytest.mark.parametrize("how", FORGED)
async def test_a_forged_token_is_refused_without_a_reason(how: str, play: Play) -> None:
    assert await refusal(play, FORGED[how]()) == (401, NOT_VALID)
    assert not play.predictor.asked


async def test_the_odd_headers_of_these_tests_are_refused_for_what_is_odd(play: Play) -> None:
    """The same way of signing without the odd part is taken."""
    assert await status(play, _signed('{"typ":"JWT"')) == 200
    assert await status(play, _signed('{"typ":"at+jwt"')) == 200


async def test_a_key_that_a_token_points_to_is_not_fetched(tmp_path: Path, play: Play) -> None:
    server = JwksServer(jwk(private_key("RSA2048", 1), "evil"))
    for header in ("jku", "x5u"):
        forged = token(private_key("RSA2048", 1), kid="evil", headers={header: server.url})
        assert await status(play, forged) == 401
    server.stop()
    assert server.asked == 0


async def test_an_algorithm_that_the_issuer_does_not_use_is_refused(tmp_path: Path) -> None:
    settings = issuer(public_key=public_pem(GOOD), algorithms=["PS256"])
    async with auth(tmp_path, issuers=[settings]) as play:
        assert await status(play, token(GOOD, algorithm="RS256")) == 401
        assert await status(play, token(GOOD, algorithm="PS256")) == 200


@pytest.mark.parametrize(
    "entry",
    [
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ", "kid": "one"},
        jwk(private_key("RSA2048"), "one", use="enc"),
        jwk(private_key("RSA2048"), "one", key_ops=["encrypt"]),
        jwk(private_key("RSA2048"), "one", alg="PS256"),
        jwk(private_key("RSA2048"), "one", alg="none"),
        jwk(private_key("RSA2048"), "one", alg="HS256"),
        jwk(private_key("RSA1024"), "one"),
        jwk(private_key("RSA2048"), "one", d="AQAB"),
        {"kty": "RSA", "kid": "one", "n": 5, "e": None},
        {"kid": "one"},
    ],
)
async def test_a_key_that_is_not_for_this_signature_checks_none(
    entry: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [entry]}))
    async with auth(tmp_path, issuers=[issuer(jwks_file=str(path))]) as play:
        assert await status(play, token(GOOD)) == 401
        if entry.get("kty") == "oct":
            secret = _by_secret(b"secret-secret-secret-secret-1234")
            forged = raw_token({"alg": "HS256", "kid": "one"}, claims(), secret)
            assert await status(play, forged) == 401


async def test_a_token_ends_after_its_leeway_and_not_before(tmp_path: Path) -> None:
    clock = now_clock()
    settings = issuer(public_key=public_pem(GOOD), leeway_s=10)
    good = token(GOOD, exp=int(clock.now) + 60)
    async with auth(tmp_path, clock, issuers=[settings]) as play:
        assert await status(play, good) == 200
        clock.advance(69)
        assert await status(play, good) == 200
        clock.advance(1)
        assert await refusal(play, good) == (401, EXPIRED)
    async with auth(tmp_path, clock, issuers=[settings]) as fresh:
        assert await refusal(fresh, good) == (401, EXPIRED)


async def test_a_token_of_the_next_hour_is_taken_then(tmp_path: Path) -> None:
    clock = now_clock()
    settings = issuer(public_key=public_pem(GOOD), leeway_s=10)
    early = token(GOOD, nbf=int(clock.now) + 100, exp=int(clock.now) + 200)
    async with auth(tmp_path, clock, issuers=[settings]) as play:
        assert await status(play, early) == 401
        clock.advance(90)
        assert await status(play, early) == 200


@given(st.integers(-10, 10), st.integers(-10, 10), st.integers(-10, 10), st.integers(0, 5))
def test_times_are_taken_within_their_leeway_only(
    exp: int, nbf: int, iat: int, leeway: int
) -> None:
    now = 1_000.0
    times = {"exp": now + exp, "nbf": now + nbf, "iat": now + iat}
    if max(nbf, iat) > leeway or exp + leeway <= 0:
        with pytest.raises(Refused) as refused:
            check_times(times, now, leeway)
        assert refused.value.why == ("invalid" if max(nbf, iat) > leeway else "expired")
    else:
        assert check_times(times, now, leeway) == now + exp + leeway


async def test_a_tenant_claim_stands_behind_its_prefix(tmp_path: Path) -> None:
    settings = issuer(public_key=public_pem(GOOD), tenant_claim="org", tenant_prefix="idp/")
    async with auth(tmp_path, issuers=[settings]) as play:
        call = bearing(token(GOOD))
        assert (await play.send(call)).status == 200
        assert call.identity.tenant == "idp/acme"


async def test_claims_are_found_by_a_path(tmp_path: Path) -> None:
    settings = issuer(
        public_key=public_pem(GOOD), tenant="fixed", scopes_claim="realm_access.roles"
    )
    async with auth(tmp_path, issuers=[settings]) as play:
        call = bearing(token(GOOD, realm_access={"roles": ["chat:m", 5, "embeddings:*"]}))
        assert (await play.send(call)).status == 200
        assert call.identity.tenant == "fixed"
        assert call.identity.scopes == ("chat:m", "embeddings:*")


async def test_scopes_of_the_settings_count_instead_of_the_tokens(tmp_path: Path) -> None:
    settings = issuer(public_key=public_pem(GOOD), scopes=["embeddings:*"])
    async with auth(tmp_path, issuers=[settings]) as play:
        assert await status(play, token(GOOD, scope="*:*")) == 403


async def test_a_token_without_scopes_may_do_nothing(play: Play) -> None:
    assert await status(play, token(GOOD, scope=None)) == 403


async def test_two_issuers_do_not_sign_for_each_other(tmp_path: Path) -> None:
    other = private_key("RSA2048", 1)
    one = issuer(public_key=public_pem(GOOD), tenant="one")
    two = {**issuer(public_key=public_pem(other), tenant="two"), "issuer": "https://two.test/"}
    async with auth(tmp_path, issuers=[one, two]) as play:
        call = bearing(token(other, iss="https://two.test/"))
        assert (await play.send(call)).status == 200
        assert (call.identity.tenant, call.identity.subject) == ("two", "two.test:alice")
        assert await status(play, token(other)) == 401
        assert await status(play, token(GOOD, iss="https://two.test/")) == 401


async def test_only_so_many_tokens_are_remembered_and_the_others_verified_again(
    tmp_path: Path,
) -> None:
    settings = issuer(public_key=public_pem(GOOD))
    async with auth(tmp_path, issuers=[settings], cached_tokens=3) as play:
        tokens = play.pipeline.steps[0]._tokens  # type: ignore[attr-defined]
        for number in range(5):
            good = token(GOOD, sub=f"user{number}")
            assert await status(play, good) == 200
            assert len(tokens) <= 3
        assert await status(play, token(GOOD, sub="user0")) == 200


async def test_a_token_is_no_key_and_a_key_no_token(tmp_path: Path) -> None:
    dotted = "a-key.with-two.dots-in-it"
    settings = issuer(public_key=public_pem(GOOD))
    async with auth(tmp_path, issuers=[settings], keys=[static(dotted)]) as play:
        assert await status(play, dotted) == 200
        assert await status(play, dotted + "x") == 401
    async with auth(tmp_path, keys=[static(dotted)]) as without:
        assert await status(without, token(GOOD)) == 401


async def test_a_stopped_clock_keeps_a_token_good(tmp_path: Path) -> None:
    """Times come from the step's clock, not from the library's."""
    clock = SimulatedClock(1_000_000.0)
    settings = issuer(public_key=public_pem(GOOD))
    async with auth(tmp_path, clock, issuers=[settings]) as play:
        assert await status(play, token(GOOD, now=1_000_000)) == 200
        assert await status(play, token(GOOD)) == 401
