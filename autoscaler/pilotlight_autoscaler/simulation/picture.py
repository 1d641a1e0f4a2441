"""Demand, ready replicas and floor over time, a row for each policy."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.simulation.contest import Result
from pilotlight_autoscaler.simulation.load import Load
from pilotlight_autoscaler.simulation.outcome import Course

POINTS = 1200
WIDTH_IN, ROW_IN = 11.0, 1.7
LONG_AGO_S = 1e8
"""Times before this count from the beginning of a history, not from 1970."""
INK, DEMAND, READY, FLOOR, WAIT = "#1f2933", "#9aa5b1", "#2b6cb0", "#dd6b20", "#c53030"


def save(results: tuple[Result, ...], load: Load, file: Path) -> None:
    """Draw into a file; its ending says the format."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, ROW_IN * (len(results) + 1)), dpi=110, layout="constrained")
    rows: Any = figure.subplots(len(results) + 1, 1, sharex=True, squeeze=False)[:, 0]
    first = results[0].outcome
    edges = np.linspace(first.start_s, first.end_s, POINTS + 1)
    _demand(rows[0], load, edges)
    for axes, result in zip(rows[1:], results, strict=True):
        _policy(axes, result, edges)
    lines = {
        label: line
        for axes in rows[1:]
        for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    rows[0].legend(
        lines.values(), lines.keys(), loc="lower right", bbox_to_anchor=(1.0, 1.0), fontsize=8,
        frameon=False, ncols=3,
    )  # fmt: skip
    _time(rows[-1], first.start_s, first.end_s)
    figure.savefig(file)


def _demand(axes: Any, load: Load, edges: Floats) -> None:
    rate = np.diff(load.arrived(edges)) / np.diff(edges)
    axes.fill_between(edges[:-1], rate, step="post", color=DEMAND, lw=0)
    axes.set_ylabel("requests/s", fontsize=8)
    axes.set_title("Demand", loc="left", fontsize=10, color=INK)


def _policy(axes: Any, result: Result, edges: Floats) -> None:
    found = result.outcome
    ready = np.diff(found.replicas.ready.integral(edges)) / np.diff(edges)
    axes.fill_between(edges[:-1], ready, step="post", color=READY, alpha=0.45, lw=0, label="ready")
    axes.plot(*_steps(found.floor, edges), color=FLOOR, lw=1.2, label="floor")
    if found.affected:
        low = -0.08 * max(1.0, float(ready.max()))
        waited = axes.plot(
            found.affected_s, np.full(len(found.affected_s), low), "|", color=WAIT, ms=5
        )
        waited[0].set_label("waited")
    axes.set_ylabel("replicas", fontsize=8)
    words = (
        f"{result.name}: {found.affected:,} of {found.requests:,} waited, "
        f"{found.replica_s / 3600:,.1f} replica-hours"
    )
    axes.set_title(words, loc="left", fontsize=10, color=INK)


def _steps(course: Course, edges: Floats) -> tuple[Floats, Floats]:
    """A course as a line with right angles."""
    times = np.append(course.times, edges[-1])
    counts = course.counts.astype(np.float64)
    return np.repeat(times, 2)[1:-1], np.repeat(counts, 2)


def _time(axes: Any, start_s: float, end_s: float) -> None:
    ticks = np.linspace(start_s, end_s, 8)
    axes.set_xticks(ticks, [_clock(tick, end_s - start_s) for tick in ticks], fontsize=8)
    axes.set_xlim(start_s, end_s)
    axes.set_xlabel("UTC" if start_s > LONG_AGO_S else "since the history began", fontsize=8)


def _clock(time_s: float, span_s: float) -> str:
    if time_s < LONG_AGO_S:
        days, hours = divmod(time_s / 3600, 24)
        return f"day {days:.0f}, {hours:.1f} h" if span_s > 2 * 86400 else f"{time_s / 3600:.2f} h"
    form = "%d %b %H:%M" if span_s > 2 * 86400 else "%H:%M:%S"
    return datetime.fromtimestamp(time_s, UTC).strftime(form)
