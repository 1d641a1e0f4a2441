"""Shows a story while it is told."""

import threading
import time
from collections.abc import Callable

from rich.console import Console, RenderableType
from rich.live import Live

from pilotlight.demo.chapters import Chapters

FRAME_S = 0.25


def perform(
    tell: Callable[[], None],
    chapters: Chapters,
    console: Console,
    frame: Callable[[], RenderableType],
    line: Callable[[], None],
) -> None:
    """Tell a story to its end, and show it meanwhile.

    Args:
        tell: The story; what it raises is raised again here.
        chapters: Of the story.
        console: A terminal gets frames, anything else a line for each change.
        frame: The whole screen as it is now.
        line: Prints what is new, where there is no terminal.
    """
    failures: list[BaseException] = []

    def telling() -> None:
        try:
            tell()
        except BaseException as error:  # noqa: BLE001  (raised again by the thread that waits)
            failures.append(error)

    teller = threading.Thread(target=telling, daemon=True)
    teller.start()
    if console.is_terminal:
        _live(teller, console, frame)
        console.print(chapters.text())
    else:
        _lines(teller, chapters, console, line)
    if failures:
        raise failures[0]


def _live(teller: threading.Thread, console: Console, frame: Callable[[], RenderableType]) -> None:
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while teller.is_alive():
            live.update(frame(), refresh=True)
            time.sleep(FRAME_S)


def _lines(
    teller: threading.Thread, chapters: Chapters, console: Console, line: Callable[[], None]
) -> None:
    told = 0
    while teller.is_alive():
        begun = [*(chapter for chapter, _ in chapters.notes), chapters.chapter]
        for chapter in begun[told:]:
            if chapter != Chapters().chapter:
                console.print(f"==> {chapter}", markup=False, highlight=False)
                told += 1
        line()
        time.sleep(FRAME_S)
