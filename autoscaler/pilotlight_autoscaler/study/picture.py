"""What each family of policies can be had for: waits and wakes over idle hours."""

from pathlib import Path
from typing import Any

import numpy as np

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.study.compare import Week
from pilotlight_autoscaler.study.policy import Family

INK, OURS = "#1f2933", "#dd6b20"
TONES = "#2b6cb0", "#2f855a", "#805ad5", "#718096", "#b7791f", "#c53030", "#00a3c4", "#702459"
MARKS = "os^vDP*X"


def save(families: tuple[Family, ...], week: Week, trace: str, file: Path) -> None:
    """Draw into a file; its ending says the format.

    Args:
        families: The policies, in the order in which the week has them.
        week: What each came to.
        trace: Its name.
        file: Which file.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 4.4), dpi=110, layout="constrained")
    idle_hours = week.idle_s.sum(1) / 3600
    titles = {"requests that met a cold start": week.affected, "wakes": week.wakes}
    for axes, (title, figures) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        _curves(axes, families, idle_hours, figures.sum(1))
        axes.set_title(title, loc="left", fontsize=10, color=INK)
    figure.suptitle(f"{trace}: all services, the week after the learning week", color=INK)
    figure.savefig(file)


def _curves(axes: Any, families: tuple[Family, ...], idle_hours: Floats, figures: Floats) -> None:
    begin = 0
    others = 0
    for family in families:
        own = slice(begin, begin + len(family.settings))
        begin = own.stop
        order = np.argsort(idle_hours[own])
        tone = OURS if family.ours else TONES[others % len(TONES)]
        mark = "o" if family.ours else MARKS[others % len(MARKS)]
        others += not family.ours
        axes.plot(
            idle_hours[own][order], figures[own][order], marker=mark, ms=5 if family.ours else 3.5,
            lw=2.0 if family.ours else 0.9, color=tone, label=family.name, zorder=2 + family.ours,
        )  # fmt: skip
    # Zero has a place on the axis of what is to be avoided, and idle hours are never none.
    axes.set_yscale("symlog", linthresh=1.0)
    axes.set_ylim(bottom=0)
    axes.set_xscale("log")
    axes.set_xlabel("idle replica-hours in the week", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25, lw=0.5)
    axes.legend(fontsize=8, frameon=False)
