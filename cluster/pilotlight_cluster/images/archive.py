"""Image archives in Docker's format (docker save), written from plain files.

Format: the Docker Image Specification v1.2, section "Combined Image JSON + Filesystem Changeset".
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

USER = 65532
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Image:
    """An image of one layer.

    Attributes:
        name: With its tag.
        files: Path in the image and the file here that goes there; programs stay executable.
        entrypoint: What runs, unless the pod says otherwise.
    """

    name: str
    files: tuple[tuple[str, Path], ...]
    entrypoint: tuple[str, ...]
    environment: tuple[str, ...] = field(default=())

    def layer(self) -> bytes:
        """The layer's tar: the files, their folders, a writable /tmp and the user's name."""
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as tar:
            _folder(tar, "tmp", 0o1777)
            for path in sorted({folder for target, _ in self.files for folder in _parents(target)}):
                _folder(tar, path, 0o755)
            passwd = f"root:x:0:0::/:\nnonroot:x:{USER}:{USER}::/tmp:\n"
            add(tar, "etc/passwd", passwd.encode())
            if CERTIFICATES.exists():
                add(tar, "etc/ssl/certs/ca-certificates.crt", CERTIFICATES.read_bytes())
            for target, source in self.files:
                add(tar, target.lstrip("/"), source.read_bytes(), 0o755)
        return content.getvalue()


def write(archive: Path, images: Iterable[Image]) -> None:
    """Write one archive with several images."""
    entries = []
    with tarfile.open(archive, "w") as tar:
        for image in images:
            layer = image.layer()
            diff = hashlib.sha256(layer).hexdigest()
            settings = _settings(image, diff)
            config = f"{hashlib.sha256(settings).hexdigest()}.json"
            add(tar, f"{diff}/layer.tar", layer)
            add(tar, config, settings)
            entries.append(
                {"Config": config, "RepoTags": [image.name], "Layers": [f"{diff}/layer.tar"]}
            )
        add(tar, "manifest.json", json.dumps(entries).encode())


def add(tar: tarfile.TarFile, path: str, content: bytes, mode: int = 0o644) -> None:
    """Add a file without a date or an owner of this machine: equal content, equal digest."""
    entry = tarfile.TarInfo(path)
    entry.size = len(content)
    entry.mode = mode
    tar.addfile(entry, io.BytesIO(content))


def _settings(image: Image, diff: str) -> bytes:
    return json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {
                "User": str(USER),
                "Entrypoint": list(image.entrypoint),
                "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", *image.environment],
                "WorkingDir": "/",
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff}"]},
        }
    ).encode()


def _folder(tar: tarfile.TarFile, path: str, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.type = tarfile.DIRTYPE
    entry.mode = mode
    tar.addfile(entry)


def _parents(target: str) -> list[str]:
    return [str(path).lstrip("/") for path in Path(target).parents if str(path) not in "/."]
