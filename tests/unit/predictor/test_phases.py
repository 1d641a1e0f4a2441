"""The phases of the start."""

import os
import time

from pilotlight.clock import SimulatedClock
from pilotlight_predictor.phases import Phase, StartPhases
from pilotlight_predictor.process import process_started_s


def test_phases_add_up_and_stand_on_one_line() -> None:
    clock = SimulatedClock(100.0)
    phases = StartPhases(clock, started_s=98.5)
    with phases.measure(Phase.IMPORT):
        clock.advance(4.0)
    for _ in range(2):
        with phases.measure(Phase.API):
            clock.advance(0.5)
    phases.record(Phase.WEIGHTS, 1.25)
    phases.complete()
    assert phases.seconds == {
        Phase.IMPORT: 4.0,
        Phase.API: 1.0,
        Phase.WEIGHTS: 1.25,
        Phase.TOTAL: 6.5,
    }
    assert phases.line() == "import=4.00s weights=1.25s api=1.00s total=6.50s"


def test_the_start_of_the_process_is_read_from_the_kernel() -> None:
    now = time.monotonic()
    started = process_started_s()
    tick = 1 / os.sysconf("SC_CLK_TCK")
    assert started < now
    assert abs(process_started_s() - started) < tick + 0.05
