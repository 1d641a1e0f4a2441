"""When an engine counts as stuck: work is running, and nothing moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.clock import SimulatedClock
from pilotlight_predictor.health.liveness import Liveness, StuckDetector

STUCK_AFTER_S = 60.0


class Engine:
    """An engine under watch: probed once a second of simulated time."""

    def __init__(self) -> None:
        self.clock = SimulatedClock(1000.0)
        self.detector = StuckDetector(STUCK_AFTER_S)
        self.progress_s: float | None = None
        self.running = 0
        self.dead = False

    def probe(self) -> Liveness:
        return self.detector.observe(self.running, self.progress_s, self.dead, self.clock.now)

    def run(self, seconds: int, *, steps: bool) -> Liveness:
        liveness = self.probe()
        for _ in range(seconds):
            self.clock.advance(1)
            if steps:
                self.progress_s = self.clock.now
            liveness = self.probe()
        return liveness


def test_an_engine_that_steps_is_alive_for_ever() -> None:
    engine = Engine()
    engine.running = 3
    assert engine.run(1000, steps=True).alive


def test_an_idle_engine_is_alive_for_ever() -> None:
    assert Engine().run(1000, steps=False).alive


def test_work_without_a_step_is_stuck_after_the_limit_and_not_before() -> None:
    engine = Engine()
    engine.running = 3
    engine.run(10, steps=True)
    assert engine.run(59, steps=False).alive
    liveness = engine.run(1, steps=False)
    assert not liveness.alive
    assert "3 requests" in liveness.reason


def test_an_engine_that_moves_again_is_alive_again() -> None:
    engine = Engine()
    engine.running = 1
    assert not engine.run(100, steps=False).alive
    assert engine.run(1, steps=True).alive


def test_the_time_before_work_began_does_not_count() -> None:
    engine = Engine()
    engine.run(5, steps=True)
    engine.run(1000, steps=False)
    engine.running = 1
    assert engine.run(59, steps=False).alive
    assert not engine.run(1, steps=False).alive


def test_work_that_began_between_two_rare_looks_counts_from_the_second() -> None:
    engine = Engine()
    engine.probe()
    engine.running = 1
    for _ in range(2):
        engine.clock.advance(45)
        assert engine.probe().alive


def test_an_engine_that_never_stepped_is_stuck_too() -> None:
    engine = Engine()
    engine.running = 1
    assert not engine.run(61, steps=False).alive


def test_a_dead_engine_is_dead_even_when_idle() -> None:
    engine = Engine()
    engine.dead = True
    assert engine.probe() == Liveness(False, "the engine is dead")


def test_a_process_that_slept_with_its_engine_does_not_take_it_for_stuck() -> None:
    engine = Engine()
    engine.running = 1
    engine.run(10, steps=True)
    engine.clock.advance(3600)
    assert engine.probe().alive
    assert engine.run(20, steps=True).alive


@pytest.mark.parametrize("every_s", [1, 7, 45, 90, 600])
def test_a_hang_is_found_however_rarely_one_looks(every_s: int) -> None:
    engine = Engine()
    engine.running = 1
    engine.run(5, steps=True)
    verdicts = []
    for _ in range(100):
        engine.clock.advance(every_s)
        verdicts.append(engine.probe().alive)
    assert False in verdicts
    first = verdicts.index(False) + 1
    assert first * every_s < STUCK_AFTER_S + 2 * every_s


@given(st.lists(st.tuples(st.floats(0, 59), st.integers(1, 5)), max_size=50))
def test_no_pattern_of_steps_within_the_limit_is_stuck(gaps: list[tuple[float, int]]) -> None:
    engine = Engine()
    engine.running = 1
    engine.probe()
    for gap_s, probes in gaps:
        for _ in range(probes):
            engine.clock.advance(gap_s / probes)
            assert engine.probe().alive
        engine.progress_s = engine.clock.now


def test_the_limit_must_be_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        StuckDetector(0)
