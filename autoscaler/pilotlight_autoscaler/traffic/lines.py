"""Text files, in gzip or plain."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pilotlight.errors import UsageError

_GZIP = b"\x1f\x8b"


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """The file as text; whether it is in gzip is seen from its first bytes, not from its name.

    Raises:
        UsageError: It cannot be read, here or while it is.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
        with (
            gzip.open(path, "rt", encoding="utf-8-sig", newline="")
            if packed
            else path.open(encoding="utf-8-sig", newline="")
        ) as lines:
            yield lines
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}: name a text file, or one in gzip") from (
            error
        )
