"""One certificate authority for the cluster, and what it signs."""

import base64
import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pilotlight_cluster.file import write

LIFETIME = datetime.timedelta(days=3650)
PRIVATE = 0o600
TOKENS = "service-accounts"


@dataclass(frozen=True)
class KeyPair:
    """Files of a private key and of its certificate (or public key), in PEM."""

    key: Path
    certificate: Path


class Authority:
    """Signs certificates into a folder; what is there already is kept.

    Args:
        folder: Readable by its owner alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = self.pair("ca")

    def pair(self, name: str) -> KeyPair:
        """Where the certificate of that name is, once it is issued."""
        stem = name.replace(":", "-")
        return KeyPair(self.folder / f"{stem}.key", self.folder / f"{stem}.crt")

    def issue(self, name: str, group: str = "", hosts: Sequence[str] = ()) -> KeyPair:
        """A certificate for a client ``name`` of ``group``, and for a server called ``hosts``."""
        files = self.pair(name)
        if files.certificate.exists():
            return files
        self._ensure()
        key = ec.generate_private_key(ec.SECP256R1())
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if group:
            attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
        authority = x509.load_pem_x509_certificate(self.files.certificate.read_bytes())
        builder = (
            _builder(x509.Name(attributes), authority.subject, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage(
                    [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
                ),
                critical=False,
            )
        )
        if hosts:
            names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        _store(files, key, builder.sign(self._signing_key(), hashes.SHA256()))
        return files

    def token_keys(self) -> KeyPair:
        """The keys that sign and check service account tokens."""
        files = self.pair(TOKENS)
        if not files.certificate.exists():
            self._ensure()
            key = ec.generate_private_key(ec.SECP256R1())
            write(files.key, _private_bytes(key), PRIVATE)
            public = key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            write(files.certificate, public)
        return files

    def _ensure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.files.certificate.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            _store(self.files, key, _authority(key))

    def _signing_key(self) -> ec.EllipticCurvePrivateKey:
        key = serialization.load_pem_private_key(self.files.key.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101  (we made it)
        return key


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pilotlight-cluster")])
    return (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _private_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _store(files: KeyPair, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    write(files.key, _private_bytes(key), PRIVATE)
    write(files.certificate, certificate.public_bytes(serialization.Encoding.PEM))


def inline(file: Path) -> str:
    """A key's or certificate's file as Kubernetes objects carry it: in base64."""
    return base64.b64encode(file.read_bytes()).decode()
