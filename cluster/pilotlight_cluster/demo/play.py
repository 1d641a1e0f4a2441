"""Plays the story in front of the view."""

import threading
import time
from contextlib import ExitStack

from rich.console import Console
from rich.live import Live

from pilotlight_cluster.demo.story import Story
from pilotlight_cluster.demo.view import render

FRAME_S = 0.25


def play(story: Story, console: Console) -> None:
    """Show the story until its end; without a terminal, print what happened after each chapter.

    Raises:
        OperationError: The story did not go as it should.
    """
    stop = threading.Event()
    failures: list[BaseException] = []

    def tell() -> None:
        try:
            story.run()
        except BaseException as error:  # noqa: BLE001  (raised again by the thread that waits)
            failures.append(error)

    teller = threading.Thread(target=tell, daemon=True)
    watcher = threading.Thread(target=story.watch, args=(stop,), daemon=True)
    with ExitStack() as stack:
        stack.callback(stop.set)
        live = stack.enter_context(Live(console=console, refresh_per_second=4))
        teller.start()
        watcher.start()
        while teller.is_alive():
            live.update(render(story.scene))
            time.sleep(FRAME_S)
        live.update(render(story.scene))
    if failures:
        raise failures[0]
