"""Histories of single requests."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.errors import UsageError
from pilotlight_autoscaler.traffic import read_requests
from pilotlight_autoscaler.traffic.resampling import resample


def test_times_and_durations_are_read_from_a_table(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("time,duration\n2026-03-29T02:30:00+01:00,4\n10.5,2\n")
    found = read_requests(path)
    assert found.time_s.tolist() == [10.5, 1774747800.0]
    assert found.duration_s.tolist() == [2.0, 4.0]
    assert np.isnan(found.prompt_tokens).all()


def test_azure_times_are_utc_and_keep_microseconds(tmp_path: Path) -> None:
    path = tmp_path / "azure.csv.gz"
    text = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n"
    path.write_bytes(gzip.compress(text.encode()))
    found = read_requests(path)
    assert found.time_s[0] == pytest.approx(1700158546.68059, abs=1e-5)
    assert (found.prompt_tokens[0], found.output_tokens[0]) == (374.0, 44.0)


def test_mooncake_times_are_milliseconds(tmp_path: Path) -> None:
    path = tmp_path / "mooncake.jsonl"
    row = {"timestamp": 277, "input_length": 5, "output_length": 3, "hash_ids": [1]}
    path.write_text(json.dumps(row) + "\n\n")
    assert read_requests(path).time_s.tolist() == [0.277]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "known are"),
        ("when,what\n1,2\n", "has the columns when, what"),
        ("time\n", "holds no request"),
        ("time\n1\nsoon\n", "request 2"),
        ("time,duration\n1,-2\n", "request 1.*negative"),
        ("time\ninf\n", "request 1.*inf"),
        ('{"timestamp": 1}\n', "request 1.*input_length"),
        ('{"timestamp": \n', "request 1"),
        ("client,window_start_s\n1,0\n", "is a ServeGen trace"),
    ],
)
def test_what_is_no_history_is_refused_with_its_reason(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "history"
    path.write_text(text)
    with pytest.raises(UsageError, match=why):
        read_requests(path)


times = st.floats(0, 1000, allow_nan=False)


@given(st.lists(st.tuples(times, st.floats(0, 200)), min_size=1, max_size=30))
def test_bins_hold_every_request_and_its_time_in_flight(rows: list[tuple[float, float]]) -> None:
    time, duration = (np.array(values) for values in zip(*rows, strict=True))
    demand = resample(time, duration, 7.0, (0.0, 1300.0))
    assert demand.arrivals.sum() == len(rows)
    assert (demand.concurrency * 7.0).sum() == pytest.approx(duration.sum(), abs=1e-6)


def test_concurrency_is_the_mean_over_the_bin_and_holes_are_not_known() -> None:
    demand = resample(
        np.array([5.0]), np.array([10.0]), 10.0, (0.0, 40.0), holes=np.array([[25.0, 30.0]])
    )
    assert demand.concurrency == pytest.approx([0.5, 0.5, 0.0, 0.0], abs=1e-12)
    assert demand.known.tolist() == [True, True, False, True]
