"""From studies to headline figures and tables."""

from collections.abc import Iterable, Sequence

from pilotlight_bench.report import Table
from pilotlight_bench.result import Row

OURS, FLAGGER, PEEKED = "ours", "flagger", "peeked"
METHODS = (OURS, FLAGGER, PEEKED)


def headline(rows: Sequence[Row]) -> dict[str, float | None]:
    """The figures that README quotes; those of other rules bear their names."""
    return {
        _name(method, name): value
        for method in METHODS
        for name, value in _of(method, rows).items()
        if method == OURS or value is not None
    }


def tables(rows: Sequence[Row]) -> list[Table]:
    """One of all studies."""
    return [
        Table(
            title="Simulated rollouts",
            columns=[
                "", "runs", "taken back", "upper 95 %", "within 10,000", "median", "95 %",
                "promoted", "median ",
            ],
            rows=[_cells(row) for row in rows],
            note="medians and the 95 % point are requests of the canary over all rollouts; "
            "- means that fewer were decided",
        )
    ]  # fmt: skip


def _of(method: str, rows: Sequence[Row]) -> dict[str, float | None]:
    by_study = {row["study"]: row for row in rows if row["method"] == method}
    # At the boundary, with what the method promises: bursts and turns are reported apart.
    null = [row for name, row in by_study.items() if name.startswith("null-")]
    return {
        "false_rollback_upper95": _largest(row["rolled_back_upper95"] for row in null),
        "detect_errors_median": _value(by_study, "detect-errors", "detect_median"),
        "detect_errors_power": _value(by_study, "detect-errors", "within_horizon"),
        "detect_ttft_median": _value(by_study, "detect-ttft", "detect_median"),
        "detect_ttft_power": _value(by_study, "detect-ttft", "within_horizon"),
        "promote_good_requests": _value(by_study, "promote-errors", "promote_median"),
        "good_rolled_back": _value(by_study, "promote-errors", "rolled_back"),
    }


def _name(method: str, figure: str) -> str:
    return figure if method == OURS else f"{method}_{figure}"


def _largest(values: Iterable[float]) -> float | None:
    return max(values, default=None)


def _value(by_study: dict[str, Row], study: str, figure: str) -> float | None:
    return by_study[study][figure] if study in by_study else None


def _cells(row: Row) -> list[str]:
    return [
        f"{row['study']} {row['method']}",
        str(row["runs"]),
        f"{100 * row['rolled_back']:.2f} %",
        f"{100 * row['rolled_back_upper95']:.2f} %",
        f"{100 * row['within_horizon']:.1f} %",
        _count(row["detect_median"]),
        _count(row["detect_p95"]),
        f"{100 * row['promoted']:.2f} %",
        _count(row["promote_median"]),
    ]


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
