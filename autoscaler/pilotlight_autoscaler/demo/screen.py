"""The screen: the chapters, both services, and the pool."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pilotlight.clock import utc_now
from pilotlight.terminal.numbers import span
from pilotlight_autoscaler.demo.scene import REPLICA_HOUR, Bill, Scene
from pilotlight_autoscaler.view.pool import render


def screen(scene: Scene) -> RenderableType:
    """The scene as it is now."""
    parts: list[RenderableType] = [scene.text(), Text(), _services(scene)]
    if scene.hour is not None and (left_s := (scene.hour - utc_now()).total_seconds()) > 0:
        parts.append(Text(f"people come in {span(left_s)}", "bold yellow"))
    if scene.pool is not None:
        parts.append(
            Panel(render(scene.pool, utc_now()), title="warm pool", title_align="left",
                  border_style="dim")
        )  # fmt: skip
    return Group(*parts)


def _services(scene: Scene) -> Table:
    table = Table.grid(padding=(0, 3, 0, 0))
    for bill in scene.bills:
        lamps = Text("● " * bill.ready, "green").append("● " * bill.starting, "yellow")
        state = "asleep" if not bill.ready + bill.starting else _state(bill)
        table.add_row(Text(bill.name, "bold"), lamps, state, _answers(bill))
    return table


def _state(bill: Bill) -> str:
    return "ready" if bill.ready else "starts"


def _answers(bill: Bill) -> str:
    if not bill.waits_s:
        return ""
    return f"{len(bill.waits_s)} answered, longest wait {max(bill.waits_s):.1f} s"


def summary(bills: tuple[Bill, ...]) -> Table:
    """What each service was like, and what it cost, since both were asleep."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("")
    for name in ("requests", "waited over 1 s", "longest wait", "replica time"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(f"bill (at {REPLICA_HOUR:.2f} an hour)", justify="right", no_wrap=True)
    for bill in bills:
        late = sum(wait > 1.0 for wait in bill.waits_s)
        table.add_row(
            bill.name,
            str(len(bill.waits_s) + bill.failed),
            Text(str(late), "red" if late else "green"),
            f"{max(bill.waits_s, default=0.0):.1f} s",
            span(bill.replica_s),
            f"{bill.price:.3f}",
        )
    return table
