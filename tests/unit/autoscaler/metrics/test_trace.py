"""One service followed look by look."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_autoscaler.metrics.figures import Figures
from pilotlight_autoscaler.metrics.trace import Trace
from pilotlight_autoscaler.observation import Counted, Sample, Signals

START = 1_000_000.0


def look(
    at: float,
    in_flight: float | None = 0.0,
    *,
    requests: dict[str, float] | None = None,
    since: float | None = None,
    ready: int = 1,
    waiting: float | None = None,
    age_s: float = 0.0,
    held: bool = False,
) -> Figures:
    counts = requests or {}
    return Figures(
        at=START + at,
        requests=counts,
        since={} if since is None else dict.fromkeys(counts, START + since),
        ready=ready,
        held=held,
        waiting=waiting,
        signals=Signals(None if in_flight is None else Sample(in_flight, age_s)),
    )


def trace(*looks: Figures) -> Trace:
    found = Trace()
    for each in looks:
        found.take(each)
    return found


def test_nobody_told_anything_is_not_idleness() -> None:
    assert trace(look(0, None)).recent(START) == (None, 0.0)


def test_a_service_that_is_idle_is_so_since_half_way_between_the_looks() -> None:
    found, age_s = trace(look(0, 2), look(10, 0), look(20, 0)).recent(START + 25)
    assert found is not None
    assert (found.idle_since_s, found.concurrency, age_s) == (START + 5, 0, 5)


def test_one_that_was_never_seen_at_work_is_not_idle_since_any_time() -> None:
    found, _ = trace(look(0), look(10)).recent(START + 10)
    assert found is not None
    assert found.idle_since_s is None


def test_a_request_between_two_looks_ends_an_idle_time_and_begins_another() -> None:
    found, _ = trace(
        look(0, 1, requests={"a": 5}),
        look(10, 0, requests={"a": 5}),
        look(50, 0, requests={"a": 5}),
        look(60, 0, requests={"a": 6}),
    ).recent(START + 60)
    assert found is not None
    assert (found.gaps_s, found.idle_since_s) == ((50,), START + 55)


def test_an_idle_time_with_a_hole_in_it_is_no_gap() -> None:
    looks = [look(0, 1), look(10, 0), look(400, 0), look(410, 1)]
    found, _ = trace(*looks).recent(START + 410)
    assert found is not None
    assert found.gaps_s == ()


def test_the_ten_minutes_before_a_service_fell_idle_say_how_busy_it_was() -> None:
    looks = [look(10 * n, 1, requests={"a": n}) for n in range(100)]
    found, _ = trace(*looks, look(1000, 0, requests={"a": 99})).recent(START + 1000)
    assert found is not None
    assert found.lately == pytest.approx(60, abs=7)


def test_how_busy_it_was_is_not_known_of_a_time_that_was_not_watched() -> None:
    found, _ = trace(look(0, 1), look(10, 0)).recent(START + 10)
    assert found is not None
    assert found.lately is None


def test_after_a_hole_the_next_whole_gap_counts_again() -> None:
    looks = [look(0, 1), look(10, 0), look(400, 1), look(410, 0), look(480, 0), look(490, 1)]
    found, _ = trace(*looks).recent(START + 490)
    assert found is not None
    assert found.gaps_s == (80,)


def test_figures_that_are_old_are_none() -> None:
    found = trace(look(0, 1), look(10, 0, age_s=91))
    assert found.recent(START + 10) == (trace(look(0, 1)).recent(START)[0], 10)
    assert found.recent(START + 100) == (None, 100)


def test_a_counter_that_begins_anew_counts_from_nothing() -> None:
    found = trace(look(0, requests={"a": 100}), look(10, requests={"a": 3}))
    assert found.counted == Counted(3, 0)


def test_what_was_counted_before_the_first_look_does_not_count() -> None:
    assert trace(look(0, requests={"a": 100})).counted == Counted(0, 0)


def test_a_replica_that_started_since_counts_all_of_its_requests() -> None:
    found = trace(look(0, requests={"a": 100}), look(10, requests={"a": 101, "b": 4}, since=-20))
    assert found.counted == Counted(5, 0)


def test_a_replica_that_was_out_of_sight_does_not_count_its_whole_life() -> None:
    looks = [look(0), look(10, requests={"old": 5000}, since=-9000)]
    assert trace(*looks).counted == Counted(0, 0)


def test_a_replica_that_is_silent_for_one_look_goes_on_where_it_was() -> None:
    looks = [look(0, requests={"a": 7}), look(10), look(20, requests={"a": 9})]
    assert trace(*looks).counted == Counted(2, 0)


def test_all_who_wait_for_a_start_meet_a_cold_start() -> None:
    found = trace(
        look(0, 0, ready=0, waiting=0),
        look(10, 2, ready=0, waiting=2),
        look(20, 3, ready=0, waiting=3),
        look(30, 3, ready=1, waiting=1, requests={"a": 4}, since=15),
        look(40, 0, ready=1, waiting=0, requests={"a": 4}),
    )
    assert found.counted == Counted(4, 3)
    assert found.progress.wakes.count == 1


@pytest.mark.parametrize("waiting", [None, 0.0])
def test_where_nobody_was_seen_waiting_those_have_that_the_first_replica_had_counted(
    waiting: float | None,
) -> None:
    found = trace(
        look(0, 0, ready=0, waiting=waiting),
        look(10, 2, ready=1, waiting=waiting, requests={"a": 2}, since=5),
        look(20, 2, ready=1, waiting=waiting, requests={"a": 9}),
    )
    assert found.counted == Counted(9, 2)


def test_who_comes_as_soon_as_a_floor_has_a_replica_ready_has_not_waited() -> None:
    found = trace(
        look(0, 0, ready=0, waiting=0, held=True),
        look(10, 2, ready=1, waiting=0, held=True, requests={"a": 2}, since=5),
    )
    assert found.counted == Counted(2, 0)


def test_nobody_waits_for_a_replica_that_was_warm_ahead() -> None:
    found = trace(
        look(0, 0, ready=0, waiting=0),
        look(10, 0, ready=1, waiting=0),
        look(20, 2, ready=1, waiting=0, requests={"a": 2}, since=5),
    )
    assert found.counted == Counted(2, 0)


def test_a_clock_that_goes_back_loses_no_sight_and_makes_no_requests() -> None:
    looks = [
        look(0, 1, requests={"a": 7}),
        look(10, 0, requests={"a": 8}),
        look(-3590, 0, requests={"a": 8}),
        look(-3580, 1, requests={"a": 9}),
    ]
    found = trace(*looks)
    assert found.counted == Counted(2, 0)
    recent, age_s = found.recent(START - 3580)
    assert recent is not None
    assert (recent.gaps_s, age_s) == ((), 0)


def test_starts_give_a_percentile_that_was_measured() -> None:
    found = Trace()
    assert found.cold_start_s is None
    for index in range(40):
        starts = {f"pod-{index}": 10.0 + index}
        found.take(Figures(START + index, signals=Signals(Sample(0)), starts=starts))
    assert found.cold_start_s == 48.0


@given(
    st.lists(
        st.tuples(st.floats(1, 200), st.integers(0, 3), st.integers(0, 5)), min_size=2, max_size=30
    )
)
def test_every_request_is_counted_once_and_gaps_are_within_the_time_watched(
    steps: list[tuple[float, int, int]],
) -> None:
    at, count = 0.0, 0
    found = trace(look(0, requests={"a": 0}))
    times = [0.0]
    for seconds, in_flight, came in steps:
        at, count = at + seconds, count + came
        times.append(at)
        found.take(look(at, in_flight, requests={"a": count}))
    assert found.counted == Counted(count, 0)
    demand = found.history.demand()
    watched = sum(b - a for a, b in pairwise(times) if b - a <= 90)
    assert found.history.watched.sum() == pytest.approx(watched, rel=1e-4)
    assert demand.arrivals.sum() <= count * 2 + 1e-3
    assert sum(found.progress.gaps_s) <= at + 1e-6
    assert all(gap > 0 for gap in found.progress.gaps_s)
