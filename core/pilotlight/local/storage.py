"""Where a pod's volumes and its model lie on this machine."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from pilotlight.errors import UsageError

MODEL_MOUNT = "/mnt/models"


@dataclass(frozen=True)
class Claims:
    """The directories that stand for persistent volume claims.

    Args:
        named: Directories that the user named, by claim.
        default: Where every other claim has a directory of its own name.
    """

    named: Mapping[str, Path]
    default: Path

    def directory(self, claim: str) -> Path:
        """The directory of one claim; it may not exist."""
        return self.named.get(claim, self.default / claim)


def model_directory(uri: str, claims: Claims) -> Path:
    """The directory that a storage URI means on this machine.

    Raises:
        ValueError: The URI's scheme needs a download, its path is unusable or does not exist.
    """
    parts = urlsplit(uri)
    path = unquote(parts.path)
    if parts.scheme == "file" or (not parts.scheme and path.startswith("/")):
        directory, remedy = Path(path), "give the path of a directory on this machine"
    elif parts.scheme == "pvc" and parts.netloc:
        relative = PurePosixPath(path.lstrip("/"))
        if ".." in relative.parts:
            raise ValueError(f"{uri!r} leaves its volume")
        directory = claims.directory(parts.netloc) / relative
        remedy = (
            f"put the model there, or name another directory for the volume: "
            f"--volume {parts.netloc}=DIR (the examples' model: pilotlight local model)"
        )
    else:
        raise ValueError(
            f"{uri!r} would be downloaded by KServe's storage initializer, which does not run "
            "here; download it and use file:///DIR, or pvc://NAME/PATH with --volume NAME=DIR"
        )
    if not directory.is_dir():
        raise ValueError(f"{uri!r} means {directory} here, which does not exist; {remedy}")
    return directory


def parse_volumes(options: list[str]) -> dict[str, Path]:
    """``NAME=DIR`` options as directories by claim.

    Raises:
        UsageError: An option has another form, or its directory does not exist.
    """
    named: dict[str, Path] = {}
    for option in options:
        name, equals, directory = option.partition("=")
        if not (name and equals and directory):
            raise UsageError(f"--volume {option}: NAME=DIR is expected")
        named[name] = Path(directory).expanduser().resolve()
        if not named[name].is_dir():
            raise UsageError(f"--volume {option}: the directory {named[name]} does not exist")
    return named


def relocate(text: str, mounts: Mapping[str, Path]) -> str:
    """Replace paths inside a container by those on this machine, wherever they stand in a text."""
    if not mounts:
        return text
    deepest_first = sorted(mounts, key=len, reverse=True)
    paths = "|".join(re.escape(mount.rstrip("/")) for mount in deepest_first)
    directories = {mount.rstrip("/"): str(directory) for mount, directory in mounts.items()}
    return re.sub(rf"(?<![\w./-])({paths})(?![\w.-])", lambda m: directories[m[1]], text)
