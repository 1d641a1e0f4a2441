"""What the predictor counts of each request, on a real engine."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pilotlight.request_metrics import FIRST_TOKEN_EDGES, STRATA, edge_label
from tests.engine.predictor_process import Predictor, launched
from tests.engine.streams import client_of, stream_completion, wait_until

PREFIX = "pilotlight_predictor"
RUNNING = f"{PREFIX}_running_requests"
REVISION = "smollm2-predictor-00007"


def value(predictor: Predictor, name: str, stratum: str = "256", **labels: str) -> float:
    return predictor.metric(f"{PREFIX}_{name}", revision=REVISION, prompt_tokens=stratum, **labels)


@pytest.fixture(scope="module")
def counting(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Predictor]:
    """A predictor that Knative has told its revision."""
    folder = tmp_path_factory.mktemp("counting")
    with launched(model, folder, environment={"K_REVISION": REVISION}) as running:
        running.wait_ready()
        yield running


async def test_a_stream_counts_once_in_every_family(counting: Predictor) -> None:
    assert value(counting, "request_arrivals_total") == 0
    async with client_of(counting) as client:
        stream = await stream_completion(client, "The pilot light", 12)
    assert stream.whole
    assert value(counting, "request_arrivals_total") == 1
    assert value(counting, "first_token_within_total", limit="120") == 1
    assert value(counting, "requests_finished_total", reason="length") == 1
    assert value(counting, "request_output_tokens_sum") == 12
    assert value(counting, "request_inter_token_seconds_count") == 1
    hits, misses = (
        value(counting, "prompt_cache_requests_total", result=result) for result in ("hit", "miss")
    )
    assert hits + misses == 1


async def test_a_prompt_that_comes_again_is_a_hit(counting: Predictor) -> None:
    # Longer than a block of the cache.
    prompt = "The flame in the burner waits for gas. " * 24
    before = value(counting, "prompt_cache_requests_total", result="hit")
    for _ in range(2):
        await asyncio.to_thread(counting.complete, prompt, max_tokens=2)
    assert value(counting, "prompt_cache_requests_total", result="hit") >= before + 1


async def test_long_prompts_count_by_themselves(counting: Predictor) -> None:
    await asyncio.to_thread(counting.complete, "word " * 400, max_tokens=2)
    assert value(counting, "request_arrivals_total", "1024") == 1


async def test_a_whole_answer_is_not_late_while_it_is_written(counting: Predictor) -> None:
    limit = "30"
    within = value(counting, "first_token_within_total", limit=limit)
    writing = asyncio.create_task(
        asyncio.to_thread(counting.complete, "Write on:", max_tokens=48, ignore_eos=True)
    )
    await wait_until(lambda: value(counting, "first_token_within_total", limit=limit) == within + 1)
    assert not writing.done()
    await writing
    assert value(counting, "first_token_within_total", limit=limit) == within + 1


async def test_a_client_that_leaves_is_late_and_cancelled(counting: Predictor) -> None:
    arrived = value(counting, "request_arrivals_total")
    late = value(counting, "first_token_late_total", limit="120")
    pid = counting.engine_pid()
    # Stopped, it gives no first token.
    os.kill(pid, signal.SIGSTOP)
    try:
        async with client_of(counting) as client:
            asking = asyncio.create_task(stream_completion(client, "Nobody:", 50))
            await wait_until(lambda: value(counting, "request_arrivals_total") == arrived + 1)
            before = value(counting, "first_token_late_total", limit="1.5")
            await wait_until(
                lambda: value(counting, "first_token_late_total", limit="1.5") == before + 1
            )
            assert value(counting, "first_token_late_total", limit="120") == late
            await wait_until(lambda: counting.metric(f"{PREFIX}_engine_stall_seconds") > 1)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        await wait_until(lambda: value(counting, "first_token_late_total", limit="120") == late + 1)
        assert value(counting, "requests_finished_total", reason="cancelled") >= 1
    finally:
        os.kill(pid, signal.SIGCONT)
    await wait_until(lambda: counting.metric(RUNNING) == 0)


async def test_every_request_is_counted_for_every_limit(counting: Predictor) -> None:
    await wait_until(lambda: counting.metric(RUNNING) == 0)
    for stratum in STRATA:
        arrived = value(counting, "request_arrivals_total", stratum)
        for limit in map(edge_label, FIRST_TOKEN_EDGES):
            within = value(counting, "first_token_within_total", stratum, limit=limit)
            late = value(counting, "first_token_late_total", stratum, limit=limit)
            assert within + late == arrived
