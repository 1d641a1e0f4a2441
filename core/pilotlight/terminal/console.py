"""Where people read."""

import io
import os
import sys

from rich.console import Console

WIDE = 160


def console() -> Console:
    """The standard output, wide where it is no terminal and nobody says otherwise.

    Characters that it does not know become question marks.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and "utf" not in sys.stdout.encoding.lower():
        sys.stdout.reconfigure(errors="replace")
    unknown = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(width=WIDE if unknown else None)
