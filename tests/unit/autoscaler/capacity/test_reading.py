"""Profiles from files of three kinds, and what is wrong with them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pilotlight.errors import UsageError
from pilotlight_autoscaler.capacity.configuration import Lengths
from pilotlight_autoscaler.capacity.reading import read


def vllm(concurrency: int | None, **changes: Any) -> dict[str, Any]:
    """A result as `vllm bench serve --save-result` writes it, of a server in steady state."""
    in_flight = concurrency or 8
    e2e_ms = 1000.0 + 10.0 * in_flight
    rate = in_flight / e2e_ms * 1e3
    return {
        "date": "20261121-120000",
        "backend": "vllm",
        "model_id": "some/model",
        "num_prompts": 200,
        "request_rate": "inf",
        "max_concurrency": concurrency,
        "completed": 200,
        "failed": 0,
        "total_input_tokens": 100_000,
        "total_output_tokens": 40_000,
        "request_throughput": rate,
        "output_throughput": rate * 200,
        "mean_ttft_ms": 50.0,
        "p99_ttft_ms": 90.0 + in_flight,
        "mean_tpot_ms": (e2e_ms - 50.0) / 199,
        "p99_tpot_ms": (e2e_ms - 50.0) / 190,
        "mean_itl_ms": 7.0,
        "p99_itl_ms": 20.0,
    } | changes


def written(folder: Path, name: str, document: object) -> Path:
    path = folder / name
    text = json.dumps(document) if name.endswith(".json") else yaml.safe_dump(document)
    path.write_text(text)
    return path


def test_results_of_vllm_are_one_configuration_by_rising_concurrency(tmp_path: Path) -> None:
    paths = [written(tmp_path, f"{c}.json", vllm(c)) for c in (64, 1, 16)]
    model, (found,) = read(paths)
    assert model == "some/model"
    assert [round(point.concurrency) for point in found.points] == [1, 16, 64]
    assert found.lengths == Lengths(500, 200)
    assert found.points[1].ttft_p99_s == pytest.approx(0.106)
    assert found.notes == ()


def test_what_was_in_flight_counts_and_not_what_was_allowed(tmp_path: Path) -> None:
    path = written(tmp_path, "1024.json", vllm(1024, request_throughput=2.5, mean_e2el_ms=10_000.0))
    _, (found,) = read([path])
    assert found.points[0].concurrency == pytest.approx(25)
    assert "of 1,024 allowed at a time only 25 were in flight" in found.notes[0]


def test_requests_that_failed_are_said(tmp_path: Path) -> None:
    _, (found,) = read([written(tmp_path, "8.json", vllm(8, failed=50))])
    assert "50 of 250 requests failed" in found.notes[0]


def test_a_folder_of_results_is_one_sweep(tmp_path: Path) -> None:
    for concurrency in (1, 8, 32):
        written(tmp_path, f"{concurrency}.json", vllm(concurrency))
    _, (found,) = read([tmp_path])
    assert len(found.points) == 3


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a folder without"):
        read([tmp_path])


def test_a_point_that_contradicts_itself_is_said(tmp_path: Path) -> None:
    point = {"concurrency": 1024, "outputTokensPerSecond": 2380}
    times = {"ttftP99Ms": 400, "tpotP99Ms": 12, "ttftMeanMs": 130, "tpotMeanMs": 9.9}
    measured = {"promptTokens": 1000, "outputTokens": 1000, "points": [point | times]}
    entry = {"name": "one", "measured": measured}
    _, (found,) = read([written(tmp_path, "profile.yaml", {"configurations": [entry]})])
    assert "say that 24 were in flight" in found.notes[0]


def test_an_open_loop_has_the_concurrency_of_littles_law(tmp_path: Path) -> None:
    _, (found,) = read([written(tmp_path, "open.json", vllm(None))])
    assert found.points[0].concurrency == pytest.approx(8)


def test_a_measured_whole_request_is_taken(tmp_path: Path) -> None:
    path = written(tmp_path, "8.json", vllm(8, mean_e2el_ms=1080.0, p99_e2el_ms=1500.0))
    _, (found,) = read([path])
    assert found.points[0].e2e_p99_s == 1.5


def test_requests_of_different_size_are_no_sweep(tmp_path: Path) -> None:
    paths = [
        written(tmp_path, "1.json", vllm(1)),
        written(tmp_path, "2.json", vllm(2, total_output_tokens=80_000)),
    ]
    with pytest.raises(UsageError, match="different size"):
        read(paths)


def test_the_same_concurrency_twice_is_refused(tmp_path: Path) -> None:
    paths = [written(tmp_path, name, vllm(4)) for name in ("a.json", "b.json")]
    with pytest.raises(UsageError, match="was measured twice"):
        read(paths)


def test_a_profile_names_results_beside_it(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    for concurrency in (1, 32):
        written(tmp_path / "raw", f"{concurrency}.json", vllm(concurrency))
    files = ["raw/1.json", "raw/32.json"]
    entry = {"name": "tp2", "tensorParallel": 2, "measured": {"files": files}}
    _, (found,) = read([written(tmp_path, "profile.yaml", {"configurations": [entry]})])
    assert (found.gpus, len(found.points), found.lengths) == (2, 2, Lengths(500, 200))


def test_our_own_benchmark_is_read() -> None:
    _, (found,) = read([Path("bench/results/predictor.json")])
    assert [point.concurrency for point in found.points] == [1, 8, 100]
    assert all(point.e2e_p99_s is not None for point in found.points)
    assert found.points[2].output_tokens_per_s > found.points[0].output_tokens_per_s


POINT = {"concurrency": 4, "outputTokensPerSecond": 800}
MEASURED = {"promptTokens": 500, "outputTokens": 200}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"measured": {"points": [POINT]}}, "with what was measured"),
        ({"measured": MEASURED | {"points": [POINT]}}, "there is no ttftP99Ms"),
        (
            {"measured": MEASURED | {"points": [POINT | {"ttftP99Ms": 9, "tpotMeanMs": 3}]}},
            "there is no tpotP99Ms",
        ),
        ({}, "neither measured points nor prefillTokensPerSecond"),
        ({"prefillTokensPerSecond": 9000}, "neither measured points nor"),
        ({"tensorParallel": 0, "measured": MEASURED}, "tensorParallel: .* greater than or equal"),
        ({"gpuPrice": 3}, "gpuPrice: Extra inputs"),
    ],
)
def test_a_profile_that_says_too_little_is_refused_with_the_place(
    tmp_path: Path, entry: dict[str, Any], message: str
) -> None:
    document = {"configurations": [{"name": "one"} | entry]}
    with pytest.raises(UsageError, match=message):
        read([written(tmp_path, "profile.yaml", document)])


@pytest.mark.parametrize("text", ["", "- 1", "{", "configurations: []", "\x00", "a: &a [*a]"])
def test_what_is_no_profile_is_refused_in_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"profile\.yaml"):
        read([path])


def test_a_profile_and_something_else_are_refused(tmp_path: Path) -> None:
    profile = Path("docs/capacity/llama-3.1-8b-h100.yaml")
    with pytest.raises(UsageError, match="give one profile"):
        read([profile, written(tmp_path, "1.json", vllm(1))])
