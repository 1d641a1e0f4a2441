"""Rendered files, written below a folder."""

from pathlib import Path

from pilotlight.errors import UsageError


def write(files: dict[str, str], folder: Path) -> list[Path]:
    """Write texts by their relative path; what else is in the folder stays.

    Raises:
        UsageError: The folder cannot be written to.
    """
    written = []
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: {error.strerror}") from error
    return written
