"""Certificates of an authority of one's own: elliptic keys, in PEM.

Who imports this needs the extra ``controller`` or ``cluster``.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Clocks differ: what is made now is valid on a machine that is late.
BACKDATED = timedelta(hours=1)


@dataclass(frozen=True)
class Signed:
    """A certificate and its private key, both in PEM."""

    certificate: bytes
    key: bytes


def authority(name: str, now: datetime, lifetime: timedelta) -> Signed:
    """A new authority that vouches for itself.

    Args:
        name: Its common name.
        now: With a time zone.
        lifetime: From now on.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _builder(subject, subject, key, now, lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _signed(certificate, key)


def issue(
    by: Signed,
    name: str,
    now: datetime,
    lifetime: timedelta,
    *,
    group: str = "",
    hosts: Sequence[str] = (),
) -> Signed:
    """A certificate for a client ``name`` of ``group``, and for a server called ``hosts``."""
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if group:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    signer = x509.load_pem_x509_certificate(by.certificate)
    usage = x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    )
    builder = (
        _builder(x509.Name(attributes), signer.subject, key, now, lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=False)
    )
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    # Two authorities of one name, the old one and the new, are told apart by this.
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(_key(by).public_key()), critical=False
    )
    return _signed(builder.sign(_key(by), hashes.SHA256()), key)


def private_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key in PEM (PKCS 8), unencrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lifetime)
    )


def _key(of: Signed) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(of.key, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is no elliptic one: it was not made here")
    return key


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _signed(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Signed:
    return Signed(certificate.public_bytes(serialization.Encoding.PEM), private_bytes(key))
