"""From simulated studies to the figures that are published."""

from pilotlight_bench.canary.figures import headline, tables
from pilotlight_bench.result import Row


def row(study: str, method: str, upper: float = 0.0, **figures: float | None) -> Row:
    nothing = dict.fromkeys(("detect_median", "detect_p95", "promote_median"))
    rates = dict.fromkeys(("rolled_back", "within_horizon", "promoted"), 0.0)
    return {"study": study, "method": method, "runs": 10, "rolled_back_upper95": upper,
            **nothing, **rates, **figures}  # fmt: skip


ROWS = [
    row("null-errors", "ours", 0.007),
    row("null-climb", "ours", 0.009),
    row("null-climb", "flagger", 0.9),
    row("bursts-null", "ours", 0.5),
    row("turn-null", "ours", 0.5),
    row("detect-errors", "ours", detect_median=1400.0, within_horizon=0.99),
    row("detect-errors", "flagger", detect_median=600.0, within_horizon=1.0),
]


def test_the_worst_of_the_nulls_is_published_and_what_is_not_promised_stays_apart() -> None:
    assert headline(ROWS)["false_rollback_upper95"] == 0.009


def test_each_rule_has_its_own_figures() -> None:
    found = headline(ROWS)
    assert (found["detect_errors_median"], found["detect_errors_power"]) == (1400.0, 0.99)
    assert found["flagger_false_rollback_upper95"] == 0.9
    assert found["flagger_detect_errors_median"] == 600.0
    assert not any(name.startswith("peeked") for name in found)


def test_a_figure_that_was_not_measured_is_shown_as_such() -> None:
    assert headline(ROWS)["promote_good_requests"] is None
    assert all("-" in cells for cells in tables(ROWS)[0].rows if cells[0].startswith("null"))
