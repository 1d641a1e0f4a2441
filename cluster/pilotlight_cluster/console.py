"""What a person sees while a cluster comes up: one line per step, with its time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from pilotlight.errors import OperationError


class Progress:
    """Prints steps as they end; on a terminal, also the one that runs.

    Args:
        console: Where lines go.
    """

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, title: str) -> Iterator["Outcome"]:
        """Time one step; set the outcome's ``quiet`` when nothing was done.

        Raises:
            OperationError: In place of an ``OSError``: a full disk is not our defect.
        """
        outcome = Outcome()
        begin = time.monotonic()
        try:
            with self.console.status(title):
                yield outcome
        except BaseException as error:
            self.console.print(f"[red]✗[/red] {title}", highlight=False)
            if isinstance(error, OSError):
                raise OperationError(f"{title}: {error}") from error
            raise
        if not outcome.quiet:
            seconds = time.monotonic() - begin
            self.console.print(
                f"[green]✓[/green] {title} [dim]{seconds:.1f} s[/dim]", highlight=False
            )

    def note(self, text: str) -> None:
        """Something that a person may want to know, and that stops nothing."""
        self.console.print(f"note: {text}", markup=False, highlight=False)


class Outcome:
    """How a step ended."""

    def __init__(self) -> None:
        self.quiet = False
