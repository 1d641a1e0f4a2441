"""The files that a command line names."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pilotlight.errors import ManifestError
from pilotlight_manifests.lint.document import Document, parse

SUFFIXES = (".yaml", ".yml")
STDIN = "-"


def read(paths: Iterable[Path], notes: list[str]) -> Iterator[Document]:
    """The documents of files, of all YAML files below directories, and of ``-``, standard input.

    A file in a directory that is not YAML (a template) is passed over with a note: nobody named it.

    Raises:
        ManifestError: A named file cannot be read or is not YAML.
    """
    for path in paths:
        if path.is_dir():
            for file in sorted(f for f in path.rglob("*") if f.suffix in SUFFIXES and f.is_file()):
                try:
                    yield from parse(_load(file), str(file))
                except ManifestError as error:
                    notes.append(f"passed over: {error}")
        elif str(path) == STDIN:
            yield from parse(sys.stdin.read(), "<stdin>")
        else:
            yield from parse(_load(path), str(path))


def _load(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ManifestError(f"{file}: cannot be read: {reason}") from error
