"""Lines drawn with dots, two by four in a character; with * and - where only ASCII can be shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.text import Text

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""By row and column of a cell."""
EMPTY = 0x2800
ROWS, COLUMNS = 4, 2


@dataclass(frozen=True)
class Line:
    """Points from left to right; ``None`` is a gap.

    Attributes:
        dotted: Only every third dot: a threshold, not a measurement.
    """

    points: Sequence[tuple[float, float] | None]
    style: str
    dotted: bool = False


class Canvas:
    """So many characters, on which lines are drawn; later lines give a cell its colour."""

    def __init__(
        self, width: int, height: int, x_range: tuple[float, float], y_range: tuple[float, float]
    ) -> None:
        self.width, self.height = width, height
        self._x, self._y = x_range, y_range
        self._cells = [[0] * width for _ in range(height)]
        self._styles = [[""] * width for _ in range(height)]

    def draw(self, line: Line) -> None:
        """Draw a line; what is beyond the ranges is cut off."""
        for one, other in pairwise([*line.points, None]):
            if one is None:
                continue
            if other is None:
                self._dot(*self._place(one), line.style)
            else:
                self._connect(self._place(one), self._place(other), line)

    def rows(self, *, ascii_only: bool = False) -> list[Text]:
        """The characters, a row at a time."""
        return [self._row(i, ascii_only) for i in range(self.height)]

    def _row(self, i: int, ascii_only: bool) -> Text:
        text = Text()
        for bits, style in zip(self._cells[i], self._styles[i], strict=True):
            mark = "*" if bits else " "
            text.append(mark if ascii_only else chr(EMPTY + bits) if bits else " ", style)
        return text

    def _place(self, point: tuple[float, float]) -> tuple[float, float]:
        (left, right), (bottom, top) = self._x, self._y
        columns, rows = self.width * COLUMNS - 1, self.height * ROWS - 1
        x = (point[0] - left) / (right - left or 1) * columns
        y = (point[1] - bottom) / (top - bottom or 1) * rows
        return x, rows - y

    def _connect(self, one: tuple[float, float], other: tuple[float, float], line: Line) -> None:
        length = max(abs(other[0] - one[0]), abs(other[1] - one[1]))
        steps = max(1, min(round(length), COLUMNS * self.width + ROWS * self.height))
        for i in range(steps + 1):
            part = i / steps
            x = one[0] + part * (other[0] - one[0])
            if not line.dotted or round(x) % 3 == 0:
                self._dot(x, one[1] + part * (other[1] - one[1]), line.style)

    def _dot(self, x: float, y: float, style: str) -> None:
        column, row = round(x), round(y)
        if 0 <= column < self.width * COLUMNS and 0 <= row < self.height * ROWS:
            self._cells[row // ROWS][column // COLUMNS] |= DOTS[row % ROWS][column % COLUMNS]
            self._styles[row // ROWS][column // COLUMNS] = style
