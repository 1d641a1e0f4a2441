"""What is sent, and when."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.errors import UsageError
from pilotlight_bench.load.plan import Workload, poisson_arrivals
from pilotlight_bench.load.prompts import prompt, words_of_one_token
from pilotlight_bench.load.trace import Lengths, Scale


@pytest.fixture
def model(tmp_path: Path) -> Path:
    words = ["Ġthe", "Ġflame", "Ġpilot", "Ġfirst", "ing", "ĠIt", "Ġa", "<|end|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}))
    return tmp_path


def _workload(model: Path, seed: int = 0) -> Workload:
    trace = [Lengths(n, n) for n in range(1, 300)]
    return Workload(trace, Scale(1.0, max_output=50), model, seed)


def test_only_whole_words_of_one_token_are_used(model: Path) -> None:
    assert words_of_one_token(model) == [" first", " flame", " pilot", " the"]


@pytest.mark.parametrize("content", ["{}", "not json", '{"model": {"vocab": {"the": 1}}}'])
def test_what_is_no_tokenizer_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(UsageError, match=r"tokenizer\.json"):
        words_of_one_token(tmp_path)


@given(st.integers(1, 500))
def test_a_prompt_has_the_wanted_number_of_words(tokens: int) -> None:
    assert len(prompt([" the", " flame"], tokens, "0").split()) == tokens


def test_two_workloads_of_one_seed_send_the_same(model: Path) -> None:
    one, other = _workload(model), _workload(model)
    assert one.closed(8, 20, draw=1) == other.closed(8, 20, draw=1)
    assert one.poisson(5.0, 10.0, draw=1) == other.poisson(5.0, 10.0, draw=1)


def test_every_draw_has_prompts_of_its_own(model: Path) -> None:
    workload = _workload(model)
    loads = [workload.closed(8, 20, draw) for draw in (-1, 0, 1)]
    loads += [workload.closed(100, 20, 0), workload.poisson(5.0, 10.0, 0)]
    long = [r.prompt for load in loads for r in load.requests if r.prompt_tokens > 30]
    assert len(set(long)) == len(long)


def test_a_closed_loop_has_all_its_requests_at_once(model: Path) -> None:
    load = _workload(model).closed(8, 20, draw=0)
    assert load.concurrency == 8
    assert [request.at_s for request in load.requests] == [0.0] * 20


def test_an_open_loop_has_no_concurrency(model: Path) -> None:
    assert _workload(model).poisson(5.0, 10.0, draw=0).concurrency is None


@given(st.floats(0.1, 20), st.floats(0, 30), st.text())
def test_arrivals_are_ordered_and_within_the_time(rate: float, seconds: float, seed: str) -> None:
    arrivals = poisson_arrivals(rate, seconds, seed)
    assert arrivals == sorted(arrivals)
    assert all(0 <= at_s < seconds for at_s in arrivals)


def test_arrivals_come_at_the_rate_asked_for() -> None:
    # Ten thousand expected, their standard deviation is a hundred.
    assert abs(len(poisson_arrivals(10.0, 1000.0, "0")) - 10_000) < 500
