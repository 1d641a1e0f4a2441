"""A horizontal bar with eighths of a character, or with # where only ASCII can be shown."""

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

EIGHTHS = " ▏▎▍▌▋▊▉"
FULL, TRACK = "█", "·"
LEAST = 6


class Bar:
    """A bar over the width that it is given.

    Args:
        fraction: Of its length; what is beyond 0 and 1 is cut off.
        style: Of the filled part.
        width: At most so many characters.
    """

    def __init__(self, fraction: float, style: str, width: int = 40) -> None:
        self.fraction = min(max(fraction, 0.0), 1.0)
        self.style = style
        self.width = width

    def text(self, width: int, ascii_only: bool = False) -> tuple[str, str]:
        """The filled and the empty part."""
        if ascii_only:
            filled = "#" * round(self.fraction * width)
            return filled, "." * (width - len(filled))
        whole, eighth = divmod(round(self.fraction * width * 8), 8)
        filled = FULL * whole + (EIGHTHS[eighth] if eighth else "")
        return filled, TRACK * (width - len(filled))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(self.width, options.max_width)
        filled, empty = self.text(width, options.ascii_only)
        yield Segment(filled, console.get_style(self.style))
        yield Segment(empty, Style(dim=True))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(LEAST, options.max_width), min(self.width, options.max_width))
