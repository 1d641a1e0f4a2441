"""Looking on: look, show, and end with the rollout."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from pilotlight.api.rollout_status import Phase
from pilotlight.errors import AccessDenied, ClusterError, NotInCluster, OperationError
from pilotlight_canary.timeline import has_ended
from pilotlight_canary.view.report import as_line
from pilotlight_canary.view.seen import Seen
from pilotlight_canary.view.status import render
from pilotlight_canary.view.wording import TONES

PATIENCE_S = 30.0
"""For so long the API server may be away before that ends the looking."""


class Looker(Protocol):
    """Looks at a rollout."""

    def look(self) -> Seen: ...


class Show(Protocol):
    """Shows what was seen."""

    def __call__(self, seen: Seen) -> None: ...


class Watching:
    """Looks at one rollout until it ends, or until it is interrupted.

    Args:
        looker: Where to look.
        show: Called after each look.
        interval_s: Seconds between two looks.
        timeout_s: Longest time; ``None``: no limit.
        sleep: How to wait.
        monotonic: Seconds since any start.
    """

    def __init__(
        self,
        looker: Looker,
        show: Show,
        interval_s: float = 1.0,
        timeout_s: float | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._looker = looker
        self._show = show
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._monotonic = monotonic

    def run(self, *, until_done: bool) -> bool:
        """Whether the rollout was promoted; returns only if it ended and ``until_done``.

        Raises:
            ClusterError: The rollout cannot be seen (any more).
            OperationError: It did not end in time.
        """
        begun = self._monotonic()
        answered: float | None = None
        while True:
            try:
                seen = self._looker.look()
                answered = self._monotonic()
                self._show(seen)
                if until_done and has_ended(seen.status):
                    return seen.status.phase is Phase.SUCCEEDED
            except ClusterError as error:
                # An API server that restarts does not end a rollout, nor the looking.
                lasting = isinstance(error, NotInCluster | AccessDenied)
                if lasting or answered is None or self._monotonic() - answered > PATIENCE_S:
                    raise
            if self._timeout_s is not None and self._monotonic() - begun >= self._timeout_s:
                raise OperationError(f"the rollout did not end within {self._timeout_s:g} s")
            self._sleep(self._interval_s)


@contextmanager
def screen(console: Console, *, json: bool = False) -> Iterator[Show]:
    """How to show what is seen: a live picture, or lines where there is no terminal."""
    if json:
        yield JsonLines(console)
    elif not console.is_terminal:
        yield Lines(console)
    else:
        with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
            yield lambda seen: live.update(render(seen), refresh=True)


class Lines:
    """A line for each change of phase or weight, and for each event."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: tuple[Phase, int, int] | None = None
        self._said: set[tuple[str, str, str]] = set()

    def __call__(self, seen: Seen) -> None:
        status = seen.status
        now = (status.phase, status.weight, status.step)
        for event in seen.events:
            key = (event.at.isoformat(), event.reason, event.message)
            if key not in self._said and self._last is not None:
                self._say(event.at.strftime("%H:%M:%S"), f"  {event.reason}: {event.message}", "")
            self._said.add(key)
        if now != self._last:
            line = f"{status.phase.value} {status.weight} %: {status.reason}"
            self._say(seen.at.strftime("%H:%M:%S"), line, TONES[status.phase])
        self._last = now

    def _say(self, at: str, line: str, style: str) -> None:
        self._console.print(Text.assemble((f"{at} ", "dim"), (line, style)), soft_wrap=True)


class JsonLines:
    """One JSON object a line, when something changed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: object = None

    def __call__(self, seen: Seen) -> None:
        now = (seen.status, seen.events, seen.pods, dict(seen.traffic))
        if now != self._last:
            self._console.out(as_line(seen), highlight=False)
        self._last = now
