"""The public keys of an issuer (RFC 7517), those of them that can check a signature."""

import logging
from dataclasses import dataclass

import jwt
import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from pilotlight_transformer.auth.refreshed import CannotFetch

logger = logging.getLogger(__name__)

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey

RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
LEAST_RSA_BITS, MOST_RSA_BITS = 2048, 8192
"""Below, it can be broken; above, checking one forged signature takes too long."""
MAX_KEYS = 100


def algorithms_of(key: object) -> frozenset[str]:
    """The algorithms that a key is made for (RFC 7518, RFC 8037); none, if it is not to be used."""
    if isinstance(key, RSAPublicKey):
        return RSA if LEAST_RSA_BITS <= key.key_size <= MOST_RSA_BITS else frozenset()
    if isinstance(key, EllipticCurvePublicKey):
        curves = ((SECP256R1, "ES256"), (SECP384R1, "ES384"), (SECP521R1, "ES512"))
        return frozenset(name for curve, name in curves if isinstance(key.curve, curve))
    if isinstance(key, Ed25519PublicKey | Ed448PublicKey):
        return frozenset({"EdDSA"})
    return frozenset()


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key, and the algorithms for which it may be used."""

    kid: str | None
    algorithms: frozenset[str]
    key: PublicKey


class KeySet:
    """Keys of one issuer at one time. Another fetch with other keys is another object.

    Args:
        only: The issuer has one key for all, whatever a token's ``kid`` says.
    """

    def __init__(self, keys: tuple[VerifyingKey, ...], *, only: bool = False) -> None:
        self._keys = keys
        self._only = only

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, kid: str | None, algorithm: str) -> VerifyingKey | None:
        """The key that a token means.

        A token without ``kid`` means the only key that fits its algorithm, if there is just one.
        """
        fitting = [key for key in self._keys if algorithm in key.algorithms]
        if self._only:
            return fitting[0] if fitting else None
        if kid is None:
            return fitting[0] if len(fitting) == 1 else None
        return next((key for key in fitting if key.kid == kid), None)


def parse_jwks(data: bytes) -> KeySet:
    """The keys of a JWK set; what cannot check signatures is left out.

    Raises:
        CannotFetch: It is no JWK set.
    """
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise CannotFetch("what came is no JSON") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise CannotFetch("what came is no JWK set: it has no list 'keys'")
    if len(entries) > MAX_KEYS:
        raise CannotFetch(f"the JWK set has more than {MAX_KEYS} keys")
    found = [_verifying(entry) for entry in entries if isinstance(entry, dict)]
    keys = tuple(key for key in found if key is not None)
    if len(keys) < len(entries):
        logger.info("%d keys of a JWK set check no signatures here", len(entries) - len(keys))
    return KeySet(keys)


def _verifying(entry: dict[str, object]) -> VerifyingKey | None:
    operations, kid, only = entry.get("key_ops"), entry.get("kid"), entry.get("alg")
    if entry.get("use", "sig") != "sig" or "d" in entry:
        return None
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return None
    if kid is not None and not isinstance(kid, str):
        return None
    try:
        # The algorithm only tells PyJWT which kind of key to read; "alg" is judged below.
        key = jwt.PyJWK.from_dict(dict(entry), _reader(entry)).key
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, UnsupportedAlgorithm):
        return None
    algorithms = algorithms_of(key)
    if only is not None:
        algorithms &= {str(only)}
    return VerifyingKey(kid, algorithms, key) if algorithms else None


def _reader(entry: dict[str, object]) -> str:
    kinds = {"RSA": "RS256", "OKP": "EdDSA"}
    curves = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
    kind = entry.get("kty")
    found = curves.get(str(entry.get("crv"))) if kind == "EC" else kinds.get(str(kind))
    if found is None:
        raise ValueError("no key that checks signatures")
    return found


def parse_pem(text: str) -> KeySet:
    """The one key of an issuer, in PEM.

    Raises:
        ValueError: It is no public key, or too weak a one.
    """
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("public_key is no public key in PEM (BEGIN PUBLIC KEY)") from None
    if isinstance(key, RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey):
        algorithms = algorithms_of(key)
        if algorithms:
            return KeySet((VerifyingKey(None, algorithms, key),), only=True)
    raise ValueError(
        "public_key is of a kind or a size that is not taken: use RSA of 2048 bits, "
        "P-256, P-384, P-521 or Ed25519"
    )
