"""From measurements to headline figures and tables."""

import pytest

from pilotlight.errors import OperationError, UsageError
from pilotlight.start_phases import parse as parse_phases
from pilotlight_bench import options
from pilotlight_bench.coldstart import figures as coldstart
from pilotlight_bench.coldstart.benchmark import Start, require_one_answer
from pilotlight_bench.load.outcome import Answer, Outcome
from pilotlight_bench.load.trace import Scale
from pilotlight_bench.predictor import figures as predictor
from pilotlight_bench.predictor.benchmark import BOUNDED, OURS, PLAIN, Findings
from pilotlight_bench.predictor.goodput import Goodput
from pilotlight_bench.predictor.measurement import Measurement
from pilotlight_bench.predictor.settings import FULL, QUICK, Plan


def _measurement(peer: str, round_: int, concurrency: int | None, speed: float) -> Measurement:
    answer = Answer(at_s=0, ok=True, ttft_s=1 / speed, itl_s=(0.1,), latency_s=1, output_tokens=10)
    outcome = Outcome(answers=(answer,) * 4, duration_s=1 / speed, generator_cpu_s=0.0)
    return Measurement(peer, round_, concurrency, outcome)


@pytest.fixture
def findings() -> Findings:
    # In round 1 the machine is twice as slow for both sides; ours is 10 % faster throughout.
    closed = [
        _measurement(peer, round_, loop.concurrency, speed * machine)
        for round_, machine in enumerate((1.0, 0.5, 1.0))
        for loop in FULL.closed
        for peer, speed in ((OURS, 1.1), (PLAIN, 1.0))
    ]
    return Findings(
        closed=closed,
        open=[_measurement(peer, 0, None, 1.0) for peer in (OURS, BOUNDED, PLAIN)],
        goodput={
            OURS: Goodput(good=40, late=0, failed=10, duration_s=10),
            BOUNDED: Goodput(good=32, late=8, failed=10, duration_s=10),
            PLAIN: Goodput(good=10, late=40, failed=0, duration_s=10),
        },
        scale=Scale(0.1, 128),
        arrivals_per_s=8.0,
        queue_wait_s=4.5,
        queued_tokens=3000,
    )


def test_the_headline_has_the_promised_names_and_values(findings: Findings) -> None:
    assert predictor.headline(findings, FULL) == pytest.approx(
        {
            "throughput_ratio_c100": 1.1,
            "ttft_p50_ratio_c100": 1 / 1.1,
            "overload_goodput_ratio": 4.0,
            "overload_goodput_ratio_vs_bounded_vllm": 1.25,
        }
    )


def test_a_table_row_for_each_side_and_ratio_at_each_concurrency(findings: Findings) -> None:
    table = predictor.closed_loop_table(findings, FULL)
    assert [row[0] for row in table.rows] == [
        f"c={concurrency} {name}" for concurrency in (1, 8, 100) for name in (OURS, PLAIN, "ratio")
    ]
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert table.rows[2][1] == "1.100"


def test_the_overload_table_counts_good_late_and_refused(findings: Findings) -> None:
    rows = predictor.overload_table(findings, FULL).rows
    assert [list(row[:5]) for row in rows] == [
        [OURS, "4.00", "40", "0", "10"],
        [BOUNDED, "3.20", "32", "8", "10"],
        [PLAIN, "1.00", "10", "40", "0"],
    ]


@pytest.mark.parametrize("plan", [FULL, QUICK])
def test_every_plan_ends_with_its_highest_concurrency(plan: Plan) -> None:
    # Capacity and bounds are taken from the last loop.
    assert plan.closed[-1].concurrency == max(loop.concurrency for loop in plan.closed)


def _start(peer: str, seconds: float, text: str = " Paris", **phases: float) -> Start:
    return Start(peer, seconds, text, phases)


STARTS = [
    _start("plain", 30.0),
    _start("pilotlight", 12.0, load=8.0),
    _start("pilotlight", 14.0, load=10.0),
    _start("plain", 34.0),
]


def test_the_cold_start_is_a_ratio_of_medians() -> None:
    figures = coldstart.headline(STARTS)
    assert figures == {
        "ratio": 13.0 / 32.0,
        "ours_s": 13.0,
        "plain_s": 32.0,
        "plain_no_bytecode_s": None,
    }


def test_starts_without_bytecode_are_shown_beside() -> None:
    figures = coldstart.headline([*STARTS, _start("plain-no-bytecode", 76.0)])
    assert figures["plain_no_bytecode_s"] == 76.0
    assert figures["ratio"] == 13.0 / 32.0


def test_the_cold_start_tables_show_every_peer_and_phase() -> None:
    assert [row[0] for row in coldstart.starts_table(STARTS).rows] == ["plain", "pilotlight"]
    phases = coldstart.phases_table(STARTS)
    assert phases is not None
    assert phases.rows == [["load", "9.00"]]


def test_no_phases_no_table() -> None:
    assert coldstart.phases_table([_start("plain", 30.0)]) is None


def test_different_answers_fail_the_cold_start() -> None:
    with pytest.raises(OperationError, match="different answers"):
        require_one_answer([_start("plain", 1.0), _start("pilotlight", 1.0, text=" London")])
    require_one_answer(STARTS)


def test_start_phases_are_read_from_the_exposition() -> None:
    text = (
        "# TYPE pilotlight_predictor_start_phase_seconds gauge\n"
        'pilotlight_predictor_start_phase_seconds{phase="import"} 5.5\n'
        'pilotlight_predictor_start_phase_seconds{phase="warmup"} 0.5\n'
        "# TYPE other gauge\n"
        'other{phase="import"} 1.0\n'
    )
    assert parse_phases(text) == {"import": 5.5, "warmup": 0.5}


def test_variables_are_given_as_name_and_value() -> None:
    assert options.environment(["OMP_NUM_THREADS=2"])["OMP_NUM_THREADS"] == "2"
    with pytest.raises(UsageError, match="NAME=VALUE"):
        options.environment(["OMP_NUM_THREADS"])
