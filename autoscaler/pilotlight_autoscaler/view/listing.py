"""Many warm pools, one a line."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pilotlight.api.meta import Mode
from pilotlight.api.warmpool import Reason, WarmPool
from pilotlight.terminal.numbers import count

TONES = {Reason.BUDGET: "yellow", Reason.FAIL_SAFE: "bold yellow", Reason.NO_TARGET: "bold red"}


def listing(pools: Sequence[WarmPool], *, namespaces: bool) -> RenderableType:
    """A table of pools, with their namespaces where they are of several."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    before = ("namespace",) if namespaces else ()
    for name in (*before, "name", "target", "floor", "ready", "waited", "cost", "reason"):
        table.add_column(name, no_wrap=True)
    table.add_column("why", ratio=1, no_wrap=True, overflow="ellipsis")
    for pool in pools:
        status = pool.status
        table.add_row(
            *((pool.metadata.namespace,) if namespaces else ()),
            Text(pool.metadata.name, "bold"),
            pool.spec.target_ref.name,
            floor_text(pool),
            replicas_text(pool),
            f"{count(status.cold_requests)} of {count(requests(pool))}",
            f"{status.cost_today:.2f}",
            Text(status.reason.value, TONES.get(status.reason, "")),
            status.message,
        )
    return table


def requests(pool: WarmPool) -> int:
    """Those of today."""
    return pool.status.warm_requests + pool.status.cold_requests


def floor_text(pool: WarmPool) -> str:
    """What is held, or would be."""
    return f"({pool.status.floor})" if pool.spec.mode is Mode.DRY_RUN else str(pool.status.floor)


def replicas_text(pool: WarmPool) -> str:
    """``1``, or ``1 +2`` with two that start."""
    starting = pool.status.starting_replicas
    return f"{pool.status.warm_replicas}" + (f" +{starting}" if starting else "")
