"""A rollout's course as a picture: weights, shares of bad with their bands, and evidence."""

import textwrap
from math import e, log
from pathlib import Path
from typing import Any

from pilotlight.api.rollout_status import Phase
from pilotlight.terminal.numbers import span
from pilotlight_canary.timeline import SAMPLE_RATIO, CheckPlan, Timeline
from pilotlight_canary.view.confidence import ALPHA
from pilotlight_canary.view.course import (
    Moment,
    checks,
    decision,
    moments,
    seconds,
    stays,
)

CANARY, STABLE, WORSE, GOOD, INK, FAINT = (
    "#e08a00", "#2f6fb5", "#c23b3b", "#2f8f4e", "#333333", "#8a8a8a",
)  # fmt: skip
SHADES = {
    Phase.HELD: "#f3efe2",
    Phase.NO_CAPACITY: "#f3d9a4",
    Phase.WARMING: "#f6ecc9",
    Phase.GATING: "#f1e4f5",
    Phase.PROGRESSING: "#e4eef8",
    Phase.PAUSED: "#f9e0b0",
    Phase.PROMOTING: "#cfead6",
    Phase.WATCHING: "#e3f3e6",
    Phase.SUCCEEDED: "#cfead6",
    Phase.ROLLING_BACK: "#f6cccc",
    Phase.ROLLED_BACK: "#f6cccc",
}
ENDS = {"promoted": GOOD, "taken back": WORSE}
WIDTH_IN, ROW_IN = 12.0, 2.1
NARROW = 0.06
"""Part of the width below which a phase's name does not fit over it."""
LOG10 = log(10)
CAPTION = (
    f"Bands: {100 * (1 - ALPHA):.0f} %, for all looks together; shares are counted anew in each "
    "step. Dashed: the e-value that decides by itself."
)


def save(timeline: Timeline, file: Path) -> None:
    """Draw the course into a file; its ending says the format, as ``.png`` or ``.svg``."""
    from matplotlib.figure import Figure

    names = checks(timeline)
    rows = 1 + len(names)
    figure = Figure(figsize=(WIDTH_IN, ROW_IN * rows + 1.6), dpi=110, layout="constrained")
    grid = figure.add_gridspec(rows, 2, height_ratios=[1.0] + [1.15] * len(names))
    end_s = max(seconds(timeline)[-1], 1.0)
    first = figure.add_subplot(grid[0, :])
    _weights(first, timeline, end_s)
    for row, check in enumerate(names, start=1):
        left, right = figure.add_subplot(grid[row, 0]), figure.add_subplot(grid[row, 1])
        found = moments(timeline, check)
        plan = timeline.header.checks.get(check, CheckPlan(worse=0, good=0))
        _shares(left, check, found)
        _evidence(right, check, found, plan)
        for axes in (left, right):
            _mark_decision(axes, timeline)
            _time(axes, end_s, last=row == rows - 1)
    _title(figure, timeline)
    figure.supxlabel(CAPTION, fontsize=8, color=FAINT, x=0.01, ha="left")
    figure.savefig(file)


def _title(figure: Any, timeline: Timeline) -> None:
    header, end = timeline.header, decision(timeline)
    last = timeline.points[-1]
    state = f"{end.words} after {span(end.at_s)}" if end else last.phase.value
    reason = textwrap.fill(end.reason if end else last.reason, 150)
    # The suptitle alone makes room for what is below it.
    room = "\n" * (2 + reason.count("\n"))
    figure.suptitle(
        f"{header.name} ({header.namespace}): {header.canary_revision} {state}{room}",
        x=0.01, ha="left", fontsize=14, fontweight="bold",
        color=ENDS[end.words] if end else INK,
    )  # fmt: skip
    figure.text(0.01, 0.995 - 0.38 / figure.get_figheight(), reason, va="top", fontsize=9.5,
                color=INK)  # fmt: skip


def _weights(axes: Any, timeline: Timeline, end_s: float) -> None:
    times = seconds(timeline)
    weights = [point.weight for point in timeline.points]
    for stay in stays(timeline):
        axes.axvspan(stay.from_s, stay.to_s, color=SHADES.get(stay.phase, "#ffffff"), lw=0)
        if stay.to_s - stay.from_s > NARROW * end_s:
            middle = (stay.from_s + stay.to_s) / 2
            axes.text(middle, 108, stay.phase.value, ha="center", fontsize=8, color=INK)
    axes.fill_between(times, weights, step="post", color=CANARY, alpha=0.35, lw=0)
    axes.step(times, weights, where="post", color=CANARY, lw=1.8)
    for at_s, before, now in zip(times[1:], weights, weights[1:], strict=False):
        if now > before:
            axes.annotate(f"{now} %", (at_s, now), (2, 2), textcoords="offset points", fontsize=8)
    axes.set_ylim(0, 120)
    axes.set_yticks([0, 50, 100], ["0 %", "50 %", "100 %"])
    axes.set_title("canary's share of the traffic", loc="left", fontsize=10)
    _mark_decision(axes, timeline)
    _time(axes, end_s, last=True)


def _shares(axes: Any, check: str, found: list[Moment]) -> None:
    top = 0.0
    for name, colour in (("stable", STABLE), ("canary", CANARY)):
        for part in _steps(found):
            bands = [(m.at_s, getattr(m, name)) for m in part if getattr(m, name) is not None]
            if not bands:
                continue
            x = [at_s for at_s, _ in bands]
            y = [100 * band.share for _, band in bands]
            low = [100 * band.low for _, band in bands]
            high = [100 * band.high for _, band in bands]
            axes.fill_between(x, low, high, color=colour, alpha=0.18, lw=0)
            axes.plot(x, y, color=colour, lw=1.8, marker="o" if len(x) == 1 else None, ms=3)
            # A band of a few answers reaches to the sky; the picture need not.
            top = max(top, *y, *(sorted(high)[: max(1, len(high) * 3 // 4)]))
    axes.set_ylim(0, top * 1.1 or 1)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    if check == SAMPLE_RATIO:
        x = [m.at_s for m in found]
        told = [float("nan") if m.told is None else 100 * m.told for m in found]
        axes.step(x, told, where="pre", color=INK, lw=1, ls="--")
        axes.set_ylim(0, max(top, *(value for value in told if value == value), 1) * 1.1)
        axes.set_title("canary's share of the requests", loc="left", fontsize=10)
        _legend(axes, (("canary", CANARY), ("as told", INK)))
        return
    axes.set_title(f"{check}: share of bad", loc="left", fontsize=10)
    _legend(axes, (("canary", CANARY), ("stable", STABLE)))


def _steps(found: list[Moment]) -> list[list[Moment]]:
    parts: list[list[Moment]] = []
    for moment in found:
        if moment.starts_step or not parts:
            parts.append([])
        parts[-1].append(moment)
    return parts


def _evidence(axes: Any, check: str, found: list[Moment], plan: CheckPlan) -> None:
    x = [moment.at_s for moment in found]
    shown = []
    for name, colour, threshold, values in (
        ("no worse", GOOD, plan.good, [m.good for m in found]),
        ("worse", WORSE, plan.worse, [m.worse for m in found]),
    ):
        if not threshold:
            continue
        axes.plot(x, [value / LOG10 for value in values], color=colour, lw=1.8)
        axes.axhline(threshold / LOG10, color=colour, lw=1, ls="--")
        axes.annotate(f"{e**threshold:,.0f}", (1, threshold / LOG10), (3, 0), color=colour,
                      xycoords=axes.get_yaxis_transform(), textcoords="offset points",
                      va="center", fontsize=8)  # fmt: skip
        shown.append((name, colour))
    highest = max(plan.good, plan.worse, *(max(m.good, m.worse) for m in found), 1.0)
    axes.set_ylim(-1.0, min(highest, 2.2 * max(plan.good, plan.worse, 1.0)) / LOG10 * 1.12)
    axes.yaxis.get_major_locator().set_params(integer=True, nbins=5)
    axes.yaxis.set_major_formatter(lambda value, _: f"{10**value:g}")
    axes.axhline(0, color=FAINT, lw=0.6)
    axes.set_title(f"{check}: e-value, and where it decides", loc="left", fontsize=10)
    _legend(axes, shown)


def _legend(axes: Any, entries: Any) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, lw=2, label=name) for name, colour in entries]
    if handles:
        axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 0.98), fontsize=8,
                    frameon=False, ncols=2, borderaxespad=0)  # fmt: skip


def _mark_decision(axes: Any, timeline: Timeline) -> None:
    end = decision(timeline)
    if end is not None:
        axes.axvline(end.at_s, color=ENDS[end.words], lw=1.4, ls=":")


def _time(axes: Any, end_s: float, *, last: bool) -> None:
    axes.set_xlim(0, end_s)
    axes.xaxis.set_major_formatter(lambda value, _: span(value))
    axes.tick_params(labelsize=8, labelbottom=last)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
