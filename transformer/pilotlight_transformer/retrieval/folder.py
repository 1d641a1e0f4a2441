"""Text and Markdown files of a folder, and why others are left out."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pilotlight.errors import UsageError

SUFFIXES = frozenset({".md", ".markdown", ".mdown", ".txt", ".text", ".rst"})
MAX_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file that can be stored.

    Attributes:
        name: Its path below the folder, with slashes.
        title: Its first Markdown heading, or else its name.
    """

    name: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is left out.

    Attributes:
        broken: It should have been readable.
    """

    name: str
    why: str
    broken: bool = False


def read_folder(path: Path) -> Iterator[TextFile | Skipped]:
    """The files below ``path``, or the one file that it is, in the order of their names.

    Hidden files and folders are passed over; links are not followed.

    Raises:
        UsageError: There is no such file or folder.
    """
    if path.is_file():
        yield _read(path, path.name)
        return
    if not path.is_dir():
        raise UsageError(f"{path} is neither a file nor a folder")
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            file = Path(folder, name)
            if not name.startswith("."):
                yield _read(file, file.relative_to(path).as_posix())


def _read(file: Path, name: str) -> TextFile | Skipped:
    shown = name.encode("utf-8", "replace").decode()
    if shown != name:
        return Skipped(shown, "its name is not UTF-8", broken=True)
    if file.is_symlink():
        return Skipped(name, "a link")
    if file.suffix.lower() not in SUFFIXES:
        return Skipped(name, "neither text nor Markdown by its name")
    try:
        if not file.is_file():
            return Skipped(name, "not a plain file")
        if file.stat().st_size > MAX_BYTES:
            return Skipped(name, f"over {MAX_BYTES >> 20} MiB", broken=True)
        data = file.read_bytes()
    except OSError as error:
        return Skipped(name, f"cannot be read: {error.strerror}", broken=True)
    if b"\0" in data:
        return Skipped(name, "binary")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return Skipped(name, "binary, or not UTF-8")
    if not text.strip():
        return Skipped(name, "empty")
    return TextFile(name, _title(text) or file.stem, text)


def _title(text: str) -> str:
    heading = next((line for line in text.splitlines() if line.startswith("# ")), "")
    return heading.removeprefix("# ").strip()[:200]
