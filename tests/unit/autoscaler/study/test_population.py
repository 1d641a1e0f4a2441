"""Who is compared on."""

from pathlib import Path

import numpy as np
import pytest

from pilotlight.errors import UsageError
from pilotlight_autoscaler.study.population import WEEK_S, Clock, read

HEAD = "client,window_start_s,rate_rps,interarrival_cv,distribution,shape,scale\n"
DAY = 144


def trace(folder: Path, runs: dict[str, list[int]], missing: range = range(0)) -> Path:
    """Each client is busy in these windows of every day; some windows nobody recorded."""
    rows = [
        f"{name},{600 * window},1,1,Gamma,1,1\n"
        for name, windows in runs.items()
        for window in range(14 * DAY)
        if window % DAY in windows and window not in missing
    ]
    path = folder / "trace.csv"
    path.write_text(HEAD + "".join(rows))
    return path


RUNS = {"busy": list(range(DAY)), "twice": [20, 80], "once": [50]}


def test_services_with_fourteen_long_gaps_are_compared_and_the_others_named(tmp_path: Path) -> None:
    found = read(trace(tmp_path, {**RUNS, "thrice": [10, 50, 90]}), seeds=(0, 1))
    # Twice a day leaves 13 gaps and one that is open when the week ends.
    assert [(service.name, service.seed) for service in found.services] == [
        ("thrice", 0),
        ("thrice", 1),
    ]
    assert found.others == {"busy": 0.0, "twice": 13.0, "once": 6.0}


def test_a_draw_is_the_same_for_the_same_seed_and_another_for_another(tmp_path: Path) -> None:
    path = trace(tmp_path, {"busy": RUNS["busy"], "a": [10, 50, 90]})
    first, second = (read(path, seeds=(0, 1)).services for _ in range(2))
    assert first[0].learning.begin_s.tolist() == second[0].learning.begin_s.tolist()
    assert first[0].learning.begin_s.tolist() != first[1].learning.begin_s.tolist()


def test_no_gap_begins_or_ends_beside_a_hole(tmp_path: Path) -> None:
    hole = range(3 * DAY + 51, 3 * DAY + 60)
    path = trace(tmp_path, {"busy": RUNS["busy"], "a": [10, 50, 90]}, missing=hole)
    found = read(path, seeds=(0,))
    assert found.hole_hours == pytest.approx(1.5)
    begins = found.services[0].learning.begin_s // 600
    assert 3 * DAY + 50 not in begins
    assert {3 * DAY + 10, 3 * DAY + 90} <= set(begins.tolist())


def test_a_shifted_clock_moves_each_service_with_its_holes(tmp_path: Path) -> None:
    hole = range(3 * DAY + 60, 3 * DAY + 70)
    runs = {"busy": RUNS["busy"], "a": [10, 50, 90], "b": [11, 51, 91]}
    path = trace(tmp_path, runs, missing=hole)
    plain, moved = (
        read(path, (0,), clock=clock).services for clock in (Clock.TRACE, Clock.SHIFTED)
    )
    phases = []
    for before, after in zip(plain, moved, strict=True):
        phase = after.learnt.begin_s
        assert 0 < phase < 600
        assert after.learnt.holes == pytest.approx(before.learnt.holes + phase)
        assert after.scored.end_s == pytest.approx(before.scored.end_s + phase)
        assert after.learning.begin_s == pytest.approx(before.learning.begin_s + phase)
        assert (after.learnt.end_s, after.scored.begin_s) == (WEEK_S, WEEK_S)
        phases.append(phase)
    assert phases[0] != phases[1]


def test_requests_are_kept_in_steps_that_begin_no_later(tmp_path: Path) -> None:
    (service,) = read(trace(tmp_path, {"busy": RUNS["busy"], "a": [10, 50, 90]}), (0,)).services
    seen = service.requests
    assert seen.requests.sum() == 14 * 3 * 600
    assert (np.diff(seen.time_s) >= 10.0).all()
    last = np.searchsorted(seen.time_s, service.learning.begin_s, side="right") - 1
    assert (service.learning.begin_s - seen.time_s[last] < 10.0).all()


def test_a_trace_of_one_week_leaves_nothing_to_score(tmp_path: Path) -> None:
    path = tmp_path / "week.csv"
    path.write_text(HEAD + "a,0,1,1,Gamma,1,1\n")
    with pytest.raises(UsageError, match="nothing after the learning week"):
        read(path, (0,))


def test_a_trace_in_which_nobody_sleeps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no client has 14 gaps"):
        read(trace(tmp_path, RUNS), (0,))
