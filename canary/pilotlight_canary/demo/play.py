"""Plays the story in front of the screen, and tells at the end what it came to."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pilotlight.demo.performance import perform
from pilotlight.errors import PilotlightError
from pilotlight.terminal.numbers import percent, span
from pilotlight_canary.demo.screen import screen
from pilotlight_canary.demo.story import Act, Story
from pilotlight_canary.view.chart import chart
from pilotlight_canary.view.watching import Lines
from pilotlight_canary.view.wording import TONES


def play(story: Story, console: Console, pictures: Path | None, *, keep: bool) -> None:
    """Show the story until its end; without a terminal, a line for each change.

    Raises:
        OperationError: The story did not go as it should.
    """
    lines = Lines(console)

    def line() -> None:
        if story.scene.seen is not None:
            lines(story.scene.seen)

    try:
        perform(story.run, story.scene, console, lambda: screen(story.scene), line)
    finally:
        if not keep:
            with console.status("taking the demonstration away"):
                _clear(story, console)
    _ending(story, console, pictures)


def _clear(story: Story, console: Console) -> None:
    try:
        story.clear()
    except PilotlightError as error:
        console.print(f"namespace {story.namespace} is left over: {error}", style="yellow")


def _ending(story: Story, console: Console, pictures: Path | None) -> None:
    for act in story.acts:
        console.print()
        console.print(chart(act.course))
    console.print()
    console.print(summary(story.acts))
    for act in story.acts if pictures else ():
        from pilotlight_canary.view.figure import save

        file = Path(pictures or "", f"version-{act.version.number}.png")
        save(act.course, file)
        console.print(f"wrote {file}", highlight=False)


def summary(acts: list[Act]) -> Table:
    """What became of each version, and what people noticed."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("version")
    for name in ("outcome", "took", "answered by it", "failed meanwhile"):
        table.add_column(name, no_wrap=True)
    for act in acts:
        number = act.version.number
        answered = act.after.by_version.get(number, 0) - act.before.by_version.get(number, 0)
        failed, asked = act.after.failed - act.before.failed, act.after.asked - act.before.asked
        table.add_row(
            Text(f"{number}  {act.version.words}"),
            Text(act.outcome.value, TONES[act.outcome]),
            span(act.seconds),
            f"{answered:,}",
            f"{failed} of {asked:,} ({percent(failed, asked)})",
        )
    return table
