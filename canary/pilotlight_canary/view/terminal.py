"""Where people read."""

import io
import sys

from rich.console import Console


def console() -> Console:
    """The standard output; characters that it does not know become question marks."""
    if isinstance(sys.stdout, io.TextIOWrapper) and "utf" not in sys.stdout.encoding.lower():
        sys.stdout.reconfigure(errors="replace")
    return Console()
