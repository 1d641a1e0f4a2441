"""What came back: good answers, late ones and none."""

import math
from collections.abc import Mapping
from typing import Any

import pytest

from pilotlight_bench.load.outcome import Answer, Outcome
from pilotlight_bench.load.plan import Load, Request
from pilotlight_bench.load.vllm_worker import outcome
from pilotlight_bench.predictor.bounds import queue_wait_s, queued_tokens
from pilotlight_bench.predictor.goodput import good_by_slice, goodput
from pilotlight_bench.predictor.measurement import REQUEST_COLUMNS, Measurement, of

IN_TIME = Answer(
    at_s=1.0,
    ok=True,
    ttft_s=0.5,
    itl_s=(0.1, 0.3),
    latency_s=0.9,
    prompt_tokens=20,
    output_tokens=3,
)
LATE = IN_TIME.model_copy(update={"at_s": 12.0, "ttft_s": 5.5})
REFUSED = Answer(at_s=13.0, ok=False, error="Too Many Requests")
OUTCOME = Outcome(answers=(IN_TIME, LATE, REFUSED), duration_s=10.0, generator_cpu_s=0.1)


def test_goodput_counts_only_complete_answers_in_time() -> None:
    result = goodput(OUTCOME, duration_s=4.0, ttft_limit_s=5.0)
    assert (result.good, result.late, result.failed) == (1, 1, 1)
    assert result.per_s == 0.25


def test_an_answer_that_broke_off_is_not_good_however_early_it_began() -> None:
    broken = IN_TIME.model_copy(update={"ok": False, "error": "ended after 2 of 3 tokens"})
    outcome = OUTCOME.model_copy(update={"answers": (broken,)})
    assert goodput(outcome, 4.0, 5.0).good == 0


def test_goodput_by_slice_goes_by_arrival() -> None:
    assert good_by_slice(OUTCOME, ttft_limit_s=5.0) == [1, 0]
    assert good_by_slice(OUTCOME, ttft_limit_s=6.0) == [1, 1]


def test_throughput_counts_only_completed_requests() -> None:
    assert OUTCOME.requests_per_s == 0.2
    assert OUTCOME.output_tokens_per_s == 0.6


def test_latencies_come_only_from_completed_requests() -> None:
    assert OUTCOME.ttfts_s() == [0.5, 5.5]
    assert OUTCOME.itls_s() == [0.1, 0.3, 0.1, 0.3]


def test_the_queue_wait_leaves_room_for_a_prefill() -> None:
    full = Outcome(answers=(IN_TIME,) * 10, duration_s=10.0, generator_cpu_s=0.0)
    assert queue_wait_s(5.0, [full]) == 4.7


def test_a_queue_wait_is_never_zero() -> None:
    assert queue_wait_s(0.3, [OUTCOME]) == 0.1


def test_the_token_bound_is_the_limit_times_the_prefill_throughput() -> None:
    assert queued_tokens(5.0, [OUTCOME, OUTCOME]) == 20


def test_a_row_holds_every_request_and_counts_errors() -> None:
    row = Measurement("pilotlight", 0, 8, OUTCOME).row()
    assert row["errors"] == {"Too Many Requests": 1}
    assert [len(request) for request in row["requests"]] == [len(REQUEST_COLUMNS)] * 3
    assert row["requests"][0] == [1.0, 20, 3, 0.5, 0.9, 1]


def test_measurements_are_found_by_peer_and_concurrency() -> None:
    ours, theirs = Measurement("a", 0, 8, OUTCOME), Measurement("b", 0, 8, OUTCOME)
    assert of([ours, theirs, Measurement("a", 0, None, OUTCOME)], "a", 8) == [ours]


def test_quantiles_of_a_load_that_all_failed_are_no_number() -> None:
    nothing = Outcome(answers=(REFUSED,), duration_s=1.0, generator_cpu_s=0.0)
    assert math.isnan(Measurement("a", 0, 8, nothing).ttft_s.p50)


def _detail(**changes: list[Any]) -> Mapping[str, Any]:
    """What vLLM's benchmark returns for two requests."""
    return {
        "duration": 2.0,
        "start_times": [100.0, 101.0],
        "errors": ["", ""],
        "output_lens": [3, 3],
        "ttfts": [0.1, 0.2],
        "itls": [[0.01, 0.02], [0.03, 0.04]],
        "latencies": [0.13, 0.27],
        "input_lens": [7, 8],
        **changes,
    }


@pytest.fixture
def load() -> Load:
    request = Request(prompt=" the", prompt_tokens=1, output_tokens=3)
    return Load(requests=(request, request), concurrency=2)


def test_vllms_detail_becomes_answers_in_order(load: Load) -> None:
    first, second = outcome(load, _detail(), cpu_s=0.5).answers
    assert first == Answer(
        at_s=0.0,
        ok=True,
        ttft_s=0.1,
        itl_s=(0.01, 0.02),
        latency_s=0.13,
        prompt_tokens=7,
        output_tokens=3,
    )
    assert (second.at_s, second.ok) == (1.0, True)


def test_a_stream_with_too_few_tokens_is_not_complete(load: Load) -> None:
    first, second = outcome(load, _detail(output_lens=[3, 1]), cpu_s=0.5).answers
    assert first.ok
    assert (second.ok, second.error) == (False, "ended after 1 of 3 tokens")


def test_of_a_traceback_only_the_last_line_is_kept(load: Load) -> None:
    trace = "Traceback:\n  File somewhere\nConnectionResetError: gone\n"
    first = outcome(load, _detail(errors=[trace, ""], output_lens=[0, 3]), cpu_s=0.5).answers[0]
    assert (first.ok, first.error) == (False, "ConnectionResetError: gone")
