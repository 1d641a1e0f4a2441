"""Many rollouts, one a line; and the past of one."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import PastRollout
from pilotlight.terminal.numbers import ago, span
from pilotlight_canary.view.bar import Bar
from pilotlight_canary.view.wording import TONES


def listing(
    rollouts: Sequence[InferenceRollout], now: datetime, *, namespaces: bool = True
) -> RenderableType:
    """A table of rollouts, with their namespaces where they are of several."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    before = ("namespace",) if namespaces else ()
    for name in (*before, "name", "phase", "traffic", "step", "since"):
        table.add_column(name, no_wrap=True)
    table.add_column("why", ratio=1, no_wrap=True, overflow="ellipsis")
    for rollout in rollouts:
        status = rollout.status
        table.add_row(
            *((rollout.metadata.namespace,) if namespaces else ()),
            Text(rollout.metadata.name, "bold"),
            Text(status.phase.value, TONES[status.phase]),
            _traffic(rollout),
            f"{status.step}/{len(rollout.spec.analysis.weights)}" if status.step else "",
            ago(status.started_at, now) if status.started_at else "",
            status.reason,
        )
    return table


def _traffic(rollout: InferenceRollout) -> RenderableType:
    if not rollout.status.canary_revision:
        return ""
    weight = rollout.status.weight
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_row(Bar(weight / 100, TONES[rollout.status.phase], width=8), f"{weight} %")
    return line


def history(past: Sequence[PastRollout], now: datetime) -> RenderableType:
    """A table of ended rollouts, the newest first."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    for name in ("ended", "took", "outcome", "revision"):
        table.add_column(name, no_wrap=True)
    table.add_column("why", ratio=1)
    for one in sorted(past, key=lambda one: one.ended_at, reverse=True):
        table.add_row(
            ago(one.ended_at, now),
            span((one.ended_at - one.started_at).total_seconds()),
            Text(one.outcome.value, TONES[one.outcome]),
            one.revision,
            one.reason,
        )
    return table
