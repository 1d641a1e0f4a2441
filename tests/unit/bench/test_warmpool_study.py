"""The study that the benchmark starts, on a small trace."""

from pathlib import Path

import numpy as np
import pytest

from pilotlight.errors import UsageError
from pilotlight_bench.warmpool.comparison import compare
from pilotlight_bench.warmpool.study import Order, run

HEAD = "client,window_start_s,rate_rps,interarrival_cv,distribution,shape,scale\n"
DAY = 144


def sleepy_trace(folder: Path) -> Path:
    """Two services that wake three times a day for half an hour, and one that never sleeps."""
    rows = [f"busy,{600 * window},5,1,Gamma,1,0.2\n" for window in range(14 * DAY)]
    for name, hours in (("a", (2, 9, 17)), ("b", (4, 11, 20))):
        for window in range(14 * DAY):
            if (window % DAY) // 6 in hours and window % 6 < 3:
                rows.append(f"{name},{600 * window},0.2,1,Weibull,0.9,4.5\n")
    path = folder / "sleepy.csv"
    path.write_text(HEAD + "".join(rows))
    return path


def test_a_trace_is_studied_by_the_command_and_compared(tmp_path: Path) -> None:
    (found,) = run([Order(sleepy_trace(tmp_path), 1, 60.0)], processes=1)
    assert found.services == ("a", "b")
    assert list(found.others) == ["busy"]
    assert found.families[0].ours
    assert found.scoring.wakes.shape == (found.families[-1].rows.stop, 2)
    floor = next(family for family in found.families if family.name == "floor-1")
    assert found.scoring.wakes[floor.rows].sum() == 0
    # One that is kept an hour after each of 21 runs a week.
    hour = compare(found)[1].retention
    assert hour[0] / 3600 == pytest.approx(2 * 21, rel=0.1)
    assert hour[1] == pytest.approx(2 * 21, abs=2)
    assert np.isfinite(found.learning.affected).all()


def test_a_file_that_is_no_trace_is_the_callers_mistake(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("time\n1\n")
    with pytest.raises(UsageError, match="has no column client"):
        run([Order(path, 1, 60.0)], processes=1)
