"""How much of the machine others took during a measurement."""

import pytest

from pilotlight_bench.contention import ProcessorTime, other_cores
from pilotlight_bench.load.outcome import Outcome
from pilotlight_bench.load.trace import Scale
from pilotlight_bench.predictor.benchmark import OURS, PLAIN, Findings
from pilotlight_bench.predictor.figures import closed_loop_table
from pilotlight_bench.predictor.measurement import Measurement
from pilotlight_bench.predictor.settings import FULL

BEFORE = ProcessorTime(at_s=100.0, busy_s=50.0, ours_s=20.0)


def test_what_is_not_ours_is_others() -> None:
    after = ProcessorTime(at_s=110.0, busy_s=70.0, ours_s=35.0)
    assert other_cores(BEFORE, after) == pytest.approx(0.5)


def test_rounding_of_the_kernels_ticks_gives_no_negative_cores() -> None:
    assert other_cores(BEFORE, ProcessorTime(at_s=101.0, busy_s=51.0, ours_s=21.01)) == 0.0


def test_a_reading_of_this_machine_goes_on() -> None:
    first = ProcessorTime.now(0.0)
    sum(range(10**6))
    second = ProcessorTime.now(0.0)
    assert second.at_s > first.at_s
    assert second.busy_s >= first.busy_s > 0


@pytest.mark.parametrize(("cores", "warned"), [(0.02, False), (0.6, True)])
def test_a_table_says_when_the_machine_was_not_quiet(cores: float, warned: bool) -> None:
    nothing = Outcome(answers=(), duration_s=1.0, generator_cpu_s=0.0)
    closed = [
        Measurement(peer, 0, loop.concurrency, nothing, cores)
        for loop in FULL.closed
        for peer in (OURS, PLAIN)
    ]
    findings = Findings(closed, [], {}, Scale(1.0, 1), 1.0, 1.0, 1)
    assert ("NOT A QUIET MACHINE" in closed_loop_table(findings, FULL).note) == warned
