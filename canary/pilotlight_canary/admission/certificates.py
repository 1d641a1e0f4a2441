"""The webhooks' own authority and certificate, and when they are made anew.

A new authority goes through three states, so that whoever checks knows it before anybody uses it:
``next`` (in the bundle, signs nothing), current (signs), ``old`` (in the bundle only, while a
replica may still show a certificate of it). Each step is taken by whoever looks next.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from pilotlight.certificates import BACKDATED, Signed, authority, issue

AUTHORITY_LIFETIME = timedelta(days=365)
SERVING_LIFETIME = timedelta(days=90)
# For API servers to read the webhooks' new bundle, and for replicas to read the new certificate.
SETTLING = timedelta(hours=1)
NAME = "pilotlight-webhook"


@dataclass(frozen=True)
class Certificates:
    """What the Secret holds."""

    ca: Signed
    serving: Signed
    next: Signed | None = None
    old: bytes = b""

    @property
    def bundle(self) -> bytes:
        """Whom the API server trusts."""
        return self.ca.certificate + (self.next.certificate if self.next else b"") + self.old

    def data(self) -> dict[str, str | None]:
        """``data`` of the Secret, as a merge patch: ``None`` takes a key away."""
        parts = {
            "ca.crt": self.ca.certificate,
            "ca.key": self.ca.key,
            "tls.crt": self.serving.certificate,
            "tls.key": self.serving.key,
            "next-ca.crt": self.next.certificate if self.next else b"",
            "next-ca.key": self.next.key if self.next else b"",
            "old-ca.crt": self.old,
        }
        return {k: inline(v) if v else None for k, v in parts.items()}


def read(data: Mapping[str, str] | None) -> Certificates | None:
    """What a Secret's ``data`` holds; ``None``: nothing that can be used."""
    try:
        parts = {k: base64.b64decode(v, validate=True) for k, v in (data or {}).items()}
        found = Certificates(
            Signed(parts["ca.crt"], parts["ca.key"]),
            Signed(parts["tls.crt"], parts["tls.key"]),
            Signed(parts["next-ca.crt"], parts["next-ca.key"]) if "next-ca.crt" in parts else None,
            parts.get("old-ca.crt", b""),
        )
        for pair in (found.ca, found.serving, found.next):
            if pair is not None:
                _check(pair)
    except (KeyError, ValueError, TypeError, binascii.Error):
        return None
    return found


def renewed(found: Certificates | None, hosts: Sequence[str], now: datetime) -> Certificates:
    """The certificates as they should be now; the same object if nothing is due.

    Args:
        found: What there is.
        hosts: Names by which the API server calls the webhooks.
        now: With a time zone.
    """
    if found is None or _ends(found.ca) <= now:
        ca = authority(f"{NAME}-ca", now, AUTHORITY_LIFETIME)
        return Certificates(ca, _serving(ca, hosts, now))
    if found.next is not None and _begins(found.next) + SETTLING <= now:
        signer = found.next
        return Certificates(signer, _serving(signer, hosts, now), old=found.ca.certificate)
    if found.old and _begins(found.serving) + SETTLING <= now:
        found = replace(found, old=b"")
    if found.next is None and not found.old and _is_due(found.ca, now):
        found = replace(found, next=authority(f"{NAME}-ca", now, AUTHORITY_LIFETIME))
    if _is_due(found.serving, now) or not _serves(found, hosts):
        found = replace(found, serving=_serving(found.ca, hosts, now))
    return found


def inline(content: bytes) -> str:
    """As Kubernetes objects carry it: in base64."""
    return base64.b64encode(content).decode()


def _serving(ca: Signed, hosts: Sequence[str], now: datetime) -> Signed:
    return issue(ca, NAME, now, SERVING_LIFETIME, hosts=hosts)


def _is_due(signed: Signed, now: datetime) -> bool:
    """Two thirds of its time are over."""
    begins, ends = _begins(signed), _ends(signed)
    return now >= begins + (ends - begins) * 2 / 3


def _serves(found: Certificates, hosts: Sequence[str]) -> bool:
    certificate = x509.load_pem_x509_certificate(found.serving.certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    known = {str(name.value) for name in names}
    try:
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(found.ca.certificate))
    except Exception:  # noqa: BLE001  (ValueError, TypeError or InvalidSignature: it is not)
        return False
    return known == set(hosts)


def _check(pair: Signed) -> None:
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    key = serialization.load_pem_private_key(pair.key, None)
    if certificate.public_key() != key.public_key():
        raise ValueError("the key is of another certificate")


def _begins(signed: Signed) -> datetime:
    return x509.load_pem_x509_certificate(signed.certificate).not_valid_before_utc + BACKDATED


def _ends(signed: Signed) -> datetime:
    return x509.load_pem_x509_certificate(signed.certificate).not_valid_after_utc
