"""From studies to what is published."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from pilotlight_bench.report import Table
from pilotlight_bench.result import Row
from pilotlight_bench.warmpool import bill
from pilotlight_bench.warmpool.comparison import FIGURES, Point, Reading, geometric_mean
from pilotlight_bench.warmpool.frontier import IDLE
from pilotlight_bench.warmpool.study import Study

Ratios = Callable[[Point], dict[str, float]]
Intervals = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Trace:
    """One trace, compared."""

    study: Study
    points: tuple[Point, ...]


def headline(traces: Sequence[Trace], intervals: Intervals) -> dict[str, float | None]:
    """The published figures."""
    found: dict[str, float | None] = {}
    for name in ("affected", "wakes"):
        found[f"{name}_ratio"] = mean_of(traces, Point.ratios, name)
        low, high = intervals.get(name, (None, None))
        found[f"{name}_ratio_low95"], found[f"{name}_ratio_high95"] = low, high
    ratios = [r for trace in traces for point in trace.points for r in point.ratios().values()]
    found["worst_ratio"] = max(ratios, default=None)
    for name in ("affected", "wakes"):
        found[f"{name}_ratio_to_known"] = mean_of(traces, Point.ratios_to_known, name)
        found[f"{name}_ratio_as_fallen"] = mean_of(traces, Point.ratios_as_fallen, name)
        found[f"{name}_ratio_at_retention_hours"] = mean_of(traces, Point.ratios_at_retention, name)
    return found


def mean_of(traces: Sequence[Trace], ratios: Ratios, figure: str) -> float | None:
    """Geometric mean over traces and points; None without a policy of ours."""
    found = [ratios(point).get(figure) for trace in traces for point in trace.points]
    mean = geometric_mean([ratio for ratio in found if ratio is not None])
    return mean if math.isfinite(mean) else None


def rows(traces: Sequence[Trace]) -> list[Row]:
    """Everything behind the tables."""
    return [row for trace in traces for row in (*_points(trace), *_bills(trace), *_all(trace))]


def tables(traces: Sequence[Trace]) -> list[Table]:
    """For people."""
    return [
        _people(traces),
        *(_point_table(trace.study, point) for trace in traces for point in trace.points),
        *(_bill_table(trace.study) for trace in traces),
    ]


def _people(traces: Sequence[Trace]) -> Table:
    return Table(
        "Services: at least 14 gaps over 5 minutes in the learning week",
        ("trace", "services", "hardly sleep", "hours without record"),
        [
            (
                trace.study.trace,
                str(len(trace.study.services)),
                str(len(trace.study.others)),
                f"{trace.study.hole_hours:.1f}",
            )
            for trace in traces
        ],
        "A ServeGen client is a caller of one model; here each stands for a service of its own.",
    )


def _point_table(study: Study, point: Point) -> Table:
    everybody = ((point.ours,) if point.ours else ()) + point.others
    return Table(
        f"{study.trace}, at the idle hours of {point.minutes:g} min of retention",
        (
            "policy", "idle h", "wakes", "affected",
            "wakes, our hours", "affected, our hours", "wakes, its hours", "affected, its hours",
        ),
        [_cells(reading) for reading in everybody],
        "First three: parameter chosen on the learning week, the week after it as it fell. Then at "
        "the idle hours that ours used, and at those of the retention"
        f" ({point.retention[IDLE] / 3600:.0f} h). -: not to be had for so few hours.",
    )  # fmt: skip


def _cells(reading: Reading) -> tuple[str, ...]:
    idle, wakes, affected = reading.fallen
    held = [*reading.at_ours.values(), *reading.at_retention.values()]
    return (reading.policy, f"{idle / 3600:.0f}", f"{wakes:.0f}", f"{affected:.0f}", *map(_n, held))


def _n(value: float) -> str:
    return f"{value:.0f}" if math.isfinite(value) else "-"


def _bill_table(study: Study) -> Table:
    lines = bill.usual(study)
    cells = [(_named(line), *_costs(line, bill.PRICES_S)) for line in lines]
    for price in bill.PRICES_S:
        cells += [
            (_named(line), *_costs(line, tuple(p if p == price else None for p in bill.PRICES_S)))
            for line in bill.cheapest(study, price)
            if line.policy not in ("knative", "floor-1")
        ]
    return Table(
        f"{study.trace}: cost in replica-hours after the learning week",
        (
            "policy",
            "idle h",
            "wakes",
            "affected",
            *(f"a wake costs {p:g} s" for p in bill.PRICES_S),
        ),
        cells,
        "Parameters of the lower lines were chosen for that price on the learning week. Who knew "
        f"the future paid {study.clairvoyant_s / 3600:.0f} h, and woke nobody.",
    )


def _costs(line: bill.Line, prices: Sequence[float | None]) -> tuple[str, ...]:
    return (
        f"{line.idle_s / 3600:.0f}",
        f"{line.wakes:.0f}",
        f"{line.affected:.0f}",
        *("" if price is None else f"{line.cost_s(price) / 3600:.0f}" for price in prices),
    )


def _named(line: bill.Line) -> str:
    parameters = " ".join(f"{name}={value:g}" for name, value in line.parameters.items())
    return f"{line.policy} {parameters}".strip()


def _points(trace: Trace) -> list[Row]:
    found: list[Row] = []
    for point in trace.points:
        head = {"kind": "point", "trace": trace.study.trace, "retention_minutes": point.minutes}
        found += [
            {**head, "ours": reading is point.ours, **_reading(reading)}
            for reading in ((point.ours,) if point.ours else ()) + point.others
        ]
        ratios = {
            "": point.ratios(),
            "_to_known": point.ratios_to_known(),
            "_as_fallen": point.ratios_as_fallen(),
            "_at_retention_hours": point.ratios_at_retention(),
        }
        found.append(
            {
                **head,
                "kind": "ratios",
                **{f"{name}{end}": r for end, each in ratios.items() for name, r in each.items()},
            }
        )
    return found


def _reading(reading: Reading) -> Row:
    names = ("idle_s", *FIGURES)
    return {
        "policy": reading.policy,
        **dict(zip(names, (round(value, 1) for value in reading.fallen), strict=True)),
        **{f"{name}_at_our_hours": value for name, value in reading.at_ours.items()},
        **{f"{name}_at_retention_hours": value for name, value in reading.at_retention.items()},
    }


def _bills(trace: Trace) -> list[Row]:
    study = trace.study
    lines = bill.usual(study) + [line for b in bill.PRICES_S for line in bill.cheapest(study, b)]
    head = {"kind": "bill", "trace": study.trace, "clairvoyant_s": study.clairvoyant_s}
    return [{**head, **asdict(line)} for line in lines]


def _all(trace: Trace) -> list[Row]:
    """Every policy with every parameter: the frontiers themselves."""
    study, found = trace.study, []
    for family in study.families:
        for index, setting in enumerate(family.settings):
            row: Row = {"kind": "setting", "trace": study.trace, "policy": family.name, **setting}
            for name, week in (("learning", study.learning), ("scored", study.scoring)):
                at = family.rows.start + index
                row[f"{name}_idle_s"] = round(float(week.idle_s[at].sum()), 1)
                row[f"{name}_wakes"] = round(float(week.wakes[at].sum()), 2)
                row[f"{name}_affected"] = round(float(week.affected[at].sum()), 1)
            found.append(row)
    return found
