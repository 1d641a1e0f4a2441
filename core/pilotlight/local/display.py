"""What a person sees while something takes long."""

import time
from types import TracebackType

from rich.console import Console
from rich.status import Status

REPEAT_S = 15.0
"""Without a terminal, a step that goes on is repeated only this often."""


class Step:
    """One thing that takes long: a live line at a terminal, else a line per change."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._started = self._said = time.monotonic()
        self._detail = ""
        self._status = Status(title, console=console) if console.is_terminal else None

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started

    def show(self, detail: str) -> None:
        """What is happening now; called again and again while it lasts."""
        line = f"{self._title}: {detail} ({self.elapsed_s:.0f} s)"
        now = time.monotonic()
        if self._status is not None:
            self._status.update(line)
        elif detail != self._detail or now - self._said > REPEAT_S:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
            self._said = now
        self._detail = detail

    def __enter__(self) -> "Step":
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()
