"""The screen: chapter, pods, traffic."""

import time

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pilotlight_cluster.demo.scene import Exchange, Scene


def render(scene: Scene) -> RenderableType:
    """The scene as it is now."""
    title = Text(f"{scene.chapter} … {time.monotonic() - scene.since:.0f} s", style="bold yellow")
    done = Text("\n".join(f"✓ {note}" for note in scene.notes), style="green")
    return Group(done, title, _pods(scene), _traffic(scene))


def _pods(scene: Scene) -> Panel:
    table = Table("pod", "state", "age", box=None, expand=True)
    for pod in scene.pods:
        style = "green" if pod.ready else "yellow"
        table.add_row(pod.name, Text(pod.state, style=style), f"{pod.age_s:.0f} s")
    if not scene.pods:
        table.add_row(Text("none: the endpoint sleeps at zero", style="dim"), "", "")
    return Panel(table, title="pods", title_align="left")


def _traffic(scene: Scene) -> Panel:
    lines = Text()
    for exchange in scene.exchanges:
        lines.append(f"you: {exchange.question}\n", style="cyan")
        lines.append(f"  {exchange.answer}")
        lines.append(f"\n  {_timing(exchange)}\n", style="dim")
    return Panel(lines, title="traffic, through Envoy and queue-proxy", title_align="left")


def _timing(exchange: Exchange) -> str:
    if exchange.failure:
        return exchange.failure
    if exchange.first_token_s is None:
        return f"waiting for {time.monotonic() - exchange.asked_at:.1f} s"
    parts = [f"first token after {exchange.first_token_s:.2f} s", f"{exchange.tokens} tokens"]
    if exchange.last_s is not None:
        parts.append(f"complete after {exchange.last_s:.2f} s")
    return ", ".join(parts)
