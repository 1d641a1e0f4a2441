"""One certificate authority for the cluster, and what it signs."""

import base64
import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pilotlight.certificates import Signed, authority, issue, private_bytes
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
        if not files.certificate.exists():
            self._ensure()
            signer = Signed(self.files.certificate.read_bytes(), self.files.key.read_bytes())
            _store(files, issue(signer, name, _now(), LIFETIME, group=group, hosts=hosts))
        return files

    def token_keys(self) -> KeyPair:
        """The keys that sign and check service account tokens."""
        files = self.pair(TOKENS)
        if not files.certificate.exists():
            self._ensure()
            key = ec.generate_private_key(ec.SECP256R1())
            write(files.key, private_bytes(key), PRIVATE)
            public = key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            write(files.certificate, public)
        return files

    def _ensure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.files.certificate.exists():
            _store(self.files, authority("pilotlight-cluster", _now(), LIFETIME))


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _store(files: KeyPair, signed: Signed) -> None:
    write(files.key, signed.key, PRIVATE)
    write(files.certificate, signed.certificate)


def inline(file: Path) -> str:
    """A key's or certificate's file as Kubernetes objects carry it: in base64."""
    return base64.b64encode(file.read_bytes()).decode()
