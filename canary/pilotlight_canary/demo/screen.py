"""The screen: the chapters, the rollout, and what the crowd sees."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pilotlight.terminal.numbers import percent
from pilotlight_canary.demo.crowd import Tally
from pilotlight_canary.demo.scene import Scene
from pilotlight_canary.view.bar import Bar
from pilotlight_canary.view.status import render

EVENTS = 3


def screen(scene: Scene) -> RenderableType:
    """The scene as it is now."""
    parts: list[RenderableType] = [scene.text()]
    if scene.seen is not None:
        parts.append(Panel(render(scene.seen, EVENTS), border_style="dim", title="rollout",
                           title_align="left"))  # fmt: skip
    parts.append(crowd(scene.tally))
    return Group(*parts)


def crowd(tally: Tally) -> Panel:
    """What people get: counted by the clients, through the gateway."""
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    rate = sum(tally.recent.values()) or 1.0
    for version, recent in sorted(tally.recent.items()):
        table.add_row(
            Text(f"version {version}", "bold"),
            Bar(recent / rate, "blue" if recent >= rate / 2 else "yellow", width=50),
            f"{recent:.0f} answers/s",
            f"first word {1000 * tally.p95_s.get(version, 0):.0f} ms (p95)",
        )
    failed = Text(f"{tally.failed} failed", "bold red" if tally.failed else "green")
    line = Text.assemble(
        f"{tally.asked:,} asked, {tally.whole:,} answered, ", failed,
        f" ({percent(tally.failed, tally.asked)})" if tally.failed else "",
    )  # fmt: skip
    body = Group(table, line) if tally.recent else line
    return Panel(body, title="people, through the gateway", title_align="left", border_style="dim")
