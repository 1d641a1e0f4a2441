"""An issuer of tokens for tests: keys, tokens good and forged, and a real server of its JWK set."""

import base64
import json
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ISSUER = "https://issuer.test/"
AUDIENCE = "pilotlight"


@cache
def private_key(kind: str, number: int = 0) -> Any:
    """A private key; the same for the same arguments."""
    if kind.startswith("RSA"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("RSA") or 2048))
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    curves: dict[str, ec.EllipticCurve] = {
        "P-256": ec.SECP256R1(),
        "P-384": ec.SECP384R1(),
        "P-521": ec.SECP521R1(),
        "secp256k1": ec.SECP256K1(),
    }
    return ec.generate_private_key(curves[kind])


KINDS = {"R": "RSA2048", "P": "RSA2048", "ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def kind_for(algorithm: str) -> str:
    """Which key an algorithm signs with."""
    return KINDS.get(algorithm) or KINDS.get(algorithm[0]) or "Ed25519"


def public_pem(key: Any) -> str:
    """Its public half, as issuers publish it."""
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return bytes(pem).decode()


def jwk(key: Any, kid: str | None, **more: Any) -> dict[str, Any]:
    """Its public half, as an entry of a JWK set."""
    name = {"RSA": "RS256", "Ed2": "EdDSA"}.get(type(key).__name__.lstrip("_")[:3], "ES256")
    algorithm = jwt.get_algorithm_by_name(name)
    found = dict(algorithm.to_jwk(key.public_key(), as_dict=True))
    found.pop("key_ops", None)
    return {**found, **({} if kid is None else {"kid": kid}), **more}


def claims(now: float | None = None, **more: Any) -> dict[str, Any]:
    """Claims of a good token; ``None`` leaves one out."""
    at = int(time.time() if now is None else now)
    found = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice",
        "org": "acme",
        "scope": "openid chat:* models:*",
        "iat": at,
        "exp": at + 3600,
        **more,
    }
    return {name: value for name, value in found.items() if value is not None}


def token(
    key: Any,
    kid: str | None = "one",
    algorithm: str = "RS256",
    headers: Mapping[str, Any] | None = None,
    **more: Any,
) -> str:
    """A token signed by ``key``; ``more`` changes its claims."""
    head = {**({} if kid is None else {"kid": kid}), **(headers or {})}
    return jwt.encode(claims(**more), key, algorithm, headers=head)


def part(document: object) -> str:
    """A part of a token: a document, or a text of one."""
    text = document if isinstance(document, str) else json.dumps(document)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def raw_token(header: object, payload: object, sign: Callable[[bytes], bytes]) -> str:
    """A token of any header and signature."""
    signed = f"{part(header)}.{part(payload)}"
    signature = base64.urlsafe_b64encode(sign(signed.encode())).decode().rstrip("=")
    return f"{signed}.{signature}"


class JwksServer:
    """Serves what :attr:`body` says on loopback, counts its visitors, and can stop and return."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b""
        self.asked = 0
        self.port = 0
        self._server: ThreadingHTTPServer | None = None
        self.publish(*keys)
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks.json"

    def publish(self, *keys: dict[str, Any]) -> None:
        self.body = json.dumps({"keys": list(keys)}).encode()

    def start(self) -> None:
        played = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                played.asked += 1
                self.send_response(played.status)
                for name, value in played.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(played.body)))
                self.end_headers()
                self.wfile.write(played.body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
