"""A warm pool as a picture: what came, and what it would hold from now on."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pilotlight.api.warmpool import Reason, WarmPool
from pilotlight_autoscaler.demand import Demand
from pilotlight_autoscaler.view.outlook import Outlook

INK, DEMAND, UNKNOWN = "#1f2933", "#9aa5b1", "#f0e6d2"
TONES = {
    Reason.SCHEDULE: "#2b6cb0",
    Reason.FORECAST: "#dd6b20",
    Reason.IDLE_HISTOGRAM: "#d69e2e",
    Reason.MINIMUM: "#4a5568",
    Reason.FAIL_SAFE: "#c53030",
}
PAST_S = 7 * 86400.0
BIN_S = 1800.0


def save(pool: WarmPool, demand: Demand, outlook: Outlook, file: Path) -> None:
    """Draw into a file; its ending says the format."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 5.0), dpi=110, layout="constrained")
    past, ahead = figure.subplots(2, 1)
    _past(past, demand, outlook.times_s[0])
    _ahead(ahead, outlook)
    name = f"{pool.metadata.namespace}/{pool.metadata.name}"
    figure.suptitle(f"{name}: floor {pool.status.floor} ({pool.status.reason.value})", color=INK)
    figure.savefig(file)


def _past(axes: Any, demand: Demand, now_s: float) -> None:
    start_s = max(demand.start_s, now_s - PAST_S)
    edges = np.arange(start_s, now_s + BIN_S, BIN_S)
    middles = demand.start_s + demand.step_s * (np.arange(len(demand.arrivals)) + 0.5)
    counts, _ = np.histogram(middles, edges, weights=demand.arrivals * demand.known)
    known, _ = np.histogram(middles, edges, weights=demand.known.astype(np.float64))
    axes.fill_between(edges[:-1], counts / BIN_S * 60, step="post", color=DEMAND, lw=0)
    top = max(float(counts.max(initial=0.0)) / BIN_S * 60, 1e-9)
    axes.fill_between(
        edges[:-1], np.where(known > 0, 0.0, top), step="post", color=UNKNOWN, lw=0,
        label="not known",
    )  # fmt: skip
    axes.set_title("what came", loc="left", fontsize=10, color=INK)
    axes.set_ylabel("requests/min", fontsize=8)
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    _time(axes, start_s, now_s)


def _ahead(axes: Any, outlook: Outlook) -> None:
    times, floors = np.array(outlook.times_s), np.array(outlook.floors)
    for reason in dict.fromkeys(outlook.reasons):
        own = np.array([each is reason for each in outlook.reasons])
        if (floors * own).any():
            axes.fill_between(
                times, floors * own, step="post", lw=0, color=TONES.get(reason, INK),
                label=reason.value,
            )  # fmt: skip
    axes.set_title("what would be held, if nobody came", loc="left", fontsize=10, color=INK)
    axes.set_ylabel("replicas", fontsize=8)
    axes.set_ylim(0, max(1.0, float(floors.max(initial=0))) * 1.15)
    if floors.any():
        axes.legend(fontsize=8, frameon=False, loc="upper left", ncols=4)
    _time(axes, outlook.times_s[0], outlook.times_s[-1])


def _time(axes: Any, start_s: float, end_s: float) -> None:
    ticks = np.linspace(start_s, end_s, 8)
    form = "%a %H:%M" if end_s - start_s > 2 * 86400 else "%H:%M"
    words = [datetime.fromtimestamp(tick, UTC).strftime(form) for tick in ticks.tolist()]
    axes.set_xticks(ticks, words, fontsize=8)
    axes.set_xlim(start_s, end_s)
    axes.set_xlabel("UTC", fontsize=8)
