"""Which of a server's processes this one is."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """A worker among its siblings.

    Attributes:
        number: Of this worker, from 0.
        count: How many there are.
        folder: Private to them; ``None`` if there is only one.
    """

    number: int = 0
    count: int = 1
    folder: Path | None = None


ALONE = Place()
