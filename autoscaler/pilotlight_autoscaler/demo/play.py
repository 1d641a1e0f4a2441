"""Plays the story in front of the screen, and tells at the end what it came to."""

from rich.console import Console

from pilotlight.demo.performance import perform
from pilotlight.errors import PilotlightError
from pilotlight_autoscaler.demo.screen import screen, summary
from pilotlight_autoscaler.demo.story import Story


def play(story: Story, console: Console, *, keep: bool) -> None:
    """Show the story until its end; without a terminal, a line for each change.

    Raises:
        OperationError: The story did not go as it should.
    """
    told = ""

    def line() -> None:
        nonlocal told
        states = [f"{b.name}: {b.ready} ready, {b.starting} starting" for b in story.scene.bills]
        if (now := "; ".join(states)) != told:
            told = now
            console.print(now, markup=False, highlight=False)

    try:
        perform(story.run, story.scene, console, lambda: screen(story.scene), line)
    finally:
        if not keep:
            with console.status("taking the demonstration away"):
                _clear(story, console)
    console.print()
    console.print(summary(story.scene.bills))


def _clear(story: Story, console: Console) -> None:
    try:
        story.clear()
    except PilotlightError as error:
        console.print(f"namespace {story.namespace} is left over: {error}", style="yellow")
