"""The folders that stand for a pod's volumes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pilotlight.errors import ProcessError
from pilotlight.local.kept import Kept, Kind
from pilotlight.local.schema import ConfigMapVolume, KeyToPath, SecretVolume, Volume
from pilotlight.local.storage import relocate

HERE_TOO = frozenset({"/tmp", "/dev/shm"})  # noqa: S108
"""Mount points of empty volumes that every machine has: programs use them without being told."""

_PRIVATE, _SECRET, _PLAIN = 0o700, 0o600, 0o644


@dataclass(frozen=True)
class Folder:
    """A folder that is made for one run.

    Attributes:
        files: What lies in it, by relative path.
        secret: Only its owner may read the files.
    """

    path: Path
    files: Mapping[str, bytes] = field(default_factory=dict)
    secret: bool = False

    def make(self) -> None:
        """Write it.

        Raises:
            ProcessError: The disk does not take it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
            for name, content in self.files.items():
                file = self.path / name
                file.parent.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
                file.touch(_SECRET)
                file.write_bytes(content)
                file.chmod(_SECRET if self.secret else _PLAIN)
        except OSError as error:
            raise ProcessError(
                f"the volume {self.path} cannot be written: {error.strerror}"
            ) from error

    def relocated(self, mounts: Mapping[str, Path]) -> "Folder":
        """The same, with mount points in its texts moved; a Secret stays as it is."""
        if self.secret:
            return self
        return Folder(self.path, {name: _moved(data, mounts) for name, data in self.files.items()})


def made(volume: Volume, path: Path, kept: Kept) -> Folder | None:
    """What a volume without a claim becomes; ``None`` if only a cluster has such a volume.

    Args:
        path: Where it shall lie.
        kept: The file's ConfigMaps and Secrets.

    Raises:
        ValueError: The object that it shows is not in the file, or lacks a key.
    """
    if volume.config_map is not None:
        name = volume.config_map.name
        return Folder(path, _files(Kind.CONFIG_MAP, name, volume.config_map, kept))
    if volume.secret is not None:
        name = volume.secret.secret_name
        return Folder(path, _files(Kind.SECRET, name, volume.secret, kept), secret=True)
    return Folder(path) if volume.empty_dir is not None else None


def _files(
    kind: Kind, name: str, shown: ConfigMapVolume | SecretVolume, kept: Kept
) -> Mapping[str, bytes]:
    if not shown.items:
        return kept.whole(kind, name, optional=shown.optional)
    files = {}
    for item in shown.items:
        value = kept.value(kind, name, item.key, optional=shown.optional)
        if value is not None:
            files[_inside(item)] = value
    return files


def _inside(item: KeyToPath) -> str:
    path = PurePosixPath(item.path)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(f"the item's path {item.path!r} leaves its volume")
    return str(path)


def _moved(content: bytes, mounts: Mapping[str, Path]) -> bytes:
    try:
        return relocate(content.decode(), mounts).encode()
    except UnicodeDecodeError:
        return content
