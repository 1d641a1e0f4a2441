"""What a person sees while a cluster comes up: one line per step, with its time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Progress:
    """Prints steps as they end; on a terminal, also the one that runs.

    Args:
        console: Where lines go.
    """

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, title: str) -> Iterator["Outcome"]:
        """Time one step. Set the outcome's note to say more, or ``quiet`` when nothing was done."""
        outcome = Outcome()
        begin = time.monotonic()
        try:
            with self.console.status(title):
                yield outcome
        except BaseException:
            self.console.print(f"[red]✗[/red] {title}", highlight=False)
            raise
        if not outcome.quiet:
            note = f" ({outcome.note})" if outcome.note else ""
            seconds = time.monotonic() - begin
            self.console.print(
                f"[green]✓[/green] {title}{note} [dim]{seconds:.1f} s[/dim]", highlight=False
            )


class Outcome:
    """How a step ended."""

    def __init__(self) -> None:
        self.note = ""
        self.quiet = False
