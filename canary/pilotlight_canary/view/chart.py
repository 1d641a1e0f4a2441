"""A rollout's course as text: weights, shares of bad, and evidence over time."""

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from pilotlight.terminal.numbers import percent, span
from pilotlight_canary.timeline import SAMPLE_RATIO, CheckPlan, Timeline
from pilotlight_canary.view.braille import Canvas, Line
from pilotlight_canary.view.confidence import Band
from pilotlight_canary.view.course import (
    Moment,
    checks,
    decision,
    moments,
    seconds,
    start,
    stays,
)
from pilotlight_canary.view.wording import TONES

CANARY, STABLE, WORSE, GOOD = "yellow", "blue", "red", "green"
SCALE = 9
"""Characters of a chart's scale, at its left."""


class Chart:
    """Lines over time, with a scale.

    Args:
        title: What is drawn.
        lines: From the back to the front.
        end_s: Where time ends.
        top: Where the scale ends; it begins with 0.
        marks: The scale's words at its top and its bottom.
        height: In rows.
    """

    def __init__(
        self, title: Text, lines: list[Line], end_s: float, top: float, marks: tuple[str, str],
        height: int = 5,
    ) -> None:  # fmt: skip
        title.no_wrap, title.overflow = True, "ellipsis"
        self._title, self._lines, self._end_s = title, lines, end_s
        self._top, self._marks, self._height = top, marks, height

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(10, options.max_width - SCALE)
        canvas = Canvas(width, self._height, (0.0, self._end_s), (0.0, self._top))
        for line in self._lines:
            canvas.draw(line)
        yield self._title
        wall = "|" if options.ascii_only else "│"
        for i, row in enumerate(canvas.rows(ascii_only=options.ascii_only)):
            mark = self._marks[0] if i == 0 else self._marks[1] if i == self._height - 1 else ""
            text = Text.assemble((f"{mark:>{SCALE - 2}} {wall}", "dim"), row)
            text.no_wrap, text.overflow = True, "crop"
            yield text


def chart(timeline: Timeline) -> RenderableType:
    """The whole course."""
    end_s = max(seconds(timeline)[-1], 1.0)
    parts: list[RenderableType] = [*_head(timeline), Text(), _weights(timeline, end_s)]
    for check in checks(timeline):
        found = moments(timeline, check)
        plan = timeline.header.checks.get(check, CheckPlan(worse=0, good=0))
        pair = Table.grid(padding=(0, 2, 0, 0), expand=True)
        pair.add_column(ratio=1)
        pair.add_column(ratio=1)
        pair.add_row(_shares(check, found, end_s), _evidence(found, plan, end_s))
        parts += [Text(), pair]
    clock = f"{start(timeline):%Y-%m-%d %H:%M:%S} UTC, and {span(end_s)} from left to right"
    return Group(*parts, Text(), Text(clock, "dim"))


def _head(timeline: Timeline) -> Iterator[RenderableType]:
    header, end = timeline.header, decision(timeline)
    name = Text.assemble(
        (header.name, "bold"),
        (
            f"  {header.namespace} · {header.canary_revision} against {header.stable_revision}",
            "dim",
        ),
    )
    yield name
    yield Rule(style="dim")
    line = Text()
    for i, stay in enumerate(stays(timeline)):
        line.append(" → " if i else "", "dim").append(stay.phase.value, TONES[stay.phase])
        line.append(f" {span(stay.to_s - stay.from_s)}" if stay.to_s > stay.from_s else "", "dim")
    yield line
    last = timeline.points[-1]
    if end is not None:
        yield Text(f"{end.words} after {span(end.at_s)}: {end.reason}", TONES[last.phase])
    else:
        yield Text(last.reason)


def _weights(timeline: Timeline, end_s: float) -> Chart:
    points: list[tuple[float, float] | None] = []
    weight = 0
    for at_s, point in zip(seconds(timeline), timeline.points, strict=True):
        points += [(at_s, weight), (at_s, point.weight)]
        weight = point.weight
    title = Text.assemble(("canary's share of the traffic", "bold"), f"  now {weight} %")
    return Chart(title, [Line(points, CANARY)], end_s, 100.0, ("100 %", "0 %"), height=4)


def _shares(check: str, found: list[Moment], end_s: float) -> Chart:
    bands = {CANARY: [(m, m.canary) for m in found], STABLE: [(m, m.stable) for m in found]}
    split = check == SAMPLE_RATIO
    told = [(m.at_s, m.told) if split and m.told is not None else None for m in found]
    shares = [band.share for pair in bands.values() for _, band in pair if band]
    top = max([*shares, *(point[1] for point in told if point)], default=0.0) * 1.1 or 0.01
    title = Text.assemble((f"{check}  ", "bold"))
    for name, style in (("canary ", CANARY), *(() if split else (("  stable ", STABLE),))):
        last = next((band for _, band in reversed(bands[style]) if band), None)
        title.append(name, style).append(_words(last))
    lines = [Line(list(_points(bands[style])), style) for style in (STABLE, CANARY)]
    lines.insert(0, Line(told, "dim", dotted=True))
    return Chart(title, lines, end_s, top, (_percent(top), "0 %"))


def _points(
    bands: list[tuple[Moment, Band | None]],
) -> Iterator[tuple[float, float] | None]:
    """Steps are not joined: each is counted anew."""
    for moment, band in bands:
        if moment.starts_step:
            yield None
        yield (moment.at_s, band.share) if band else None


def _words(band: Band | None) -> str:
    if band is None:
        return "-"
    low, high = (f"{100 * edge:.2g}" for edge in (band.low, band.high))
    return f"{_percent(band.share)} ({low}-{high})"


def _percent(share: float) -> str:
    return percent(round(share * 1_000_000), 1_000_000)


def _evidence(found: list[Moment], plan: CheckPlan, end_s: float) -> Chart:
    """Evidence in parts of what decides, so that both thresholds are at 1."""
    lines = [Line([(0.0, 1.0), (end_s, 1.0)], "dim", dotted=True)]
    if plan.good:
        lines.append(Line([(m.at_s, max(0.0, m.good / plan.good)) for m in found], GOOD))
    if plan.worse:
        lines.append(Line([(m.at_s, max(0.0, m.worse / plan.worse)) for m in found], WORSE))
    title = Text.assemble(
        ("evidence  ", "bold"), ("no worse ", GOOD), _part(found[-1].good, plan.good), "  ",
        ("worse ", WORSE), _part(found[-1].worse, plan.worse),
    )  # fmt: skip
    return Chart(title, lines, end_s, 1.15, ("decides", "none"))


def _part(log_e: float, threshold: float) -> str:
    return f"{100 * max(0.0, log_e / threshold):.0f} %" if threshold else "-"
