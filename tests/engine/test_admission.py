"""Admission before the engine: bounds, deadlines, clients that leave, tenants, classes."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.predictor_process import Predictor, launched
from tests.engine.streams import Stream, client_of, stream_completion, wait_until

RUNNING = "pilotlight_predictor_running_requests"
RESERVED = "pilotlight_predictor_reserved_tokens"
DECISIONS = "pilotlight_predictor_admission_decisions_total"


@pytest.fixture(scope="module")
def narrow(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Predictor]:
    """A predictor that runs two sequences at once and lets nobody wait long."""
    folder = tmp_path_factory.mktemp("narrow")
    with launched(model, folder, "--max-num-seqs=2", "--max-queue-wait-s=2") as running:
        running.wait_ready()
        yield running


async def _burst(
    predictor: Predictor, count: int, tokens: int, headers: dict[str, str] | None = None
) -> list[Stream]:
    async with client_of(predictor) as client:
        return await asyncio.gather(
            *(stream_completion(client, f"Item {n}:", tokens, headers) for n in range(count))
        )


def _ok(streams: list[Stream]) -> list[Stream]:
    return [stream for stream in streams if stream.whole]


async def test_overload_is_refused_with_429_and_what_is_accepted_ends(narrow: Predictor) -> None:
    await _burst(narrow, 4, 60)
    streams = await _burst(narrow, 60, 100)
    refused = [stream for stream in streams if stream.status == 429]
    assert refused
    assert len(_ok(streams)) + len(refused) == len(streams)
    for stream in refused:
        assert int(stream.headers["retry-after"]) >= 1
        error = json.loads(stream.error)["error"]
        assert error["code"] == "overloaded"
        assert error["type"] == "rate_limit_error"
    assert narrow.metric(DECISIONS, decision="wait_too_long") + narrow.metric(
        DECISIONS, decision="queue_full"
    ) == len(refused)


async def test_work_whose_deadline_passes_ends_with_504(narrow: Predictor) -> None:
    await wait_until(lambda: narrow.metric(RUNNING) == 0)
    async with client_of(narrow) as client:
        stream = await stream_completion(
            client, "A long story:", 1500, {"x-request-deadline-ms": "700"}
        )
    assert not stream.whole
    assert 0 < len(stream.chunks) < 1500
    assert "deadline" in json.dumps(stream.chunks[-1])
    await wait_until(lambda: narrow.metric(RUNNING) == 0)


async def test_a_deadline_that_passes_in_the_queue_gets_a_real_status(narrow: Predictor) -> None:
    async with client_of(narrow) as client:
        busy = [asyncio.create_task(stream_completion(client, f"Long {n}:", 120)) for n in (1, 2)]
        await wait_until(lambda: narrow.metric(RUNNING) == 2)
        late = await stream_completion(client, "In a hurry:", 10, {"x-request-deadline-ms": "400"})
        await asyncio.gather(*busy)
    assert late.status == 504
    assert json.loads(late.error)["error"]["code"] == "deadline_exceeded"


async def test_a_client_that_leaves_frees_its_tokens_at_once(narrow: Predictor) -> None:
    await wait_until(lambda: narrow.metric(RUNNING) == 0)
    async with client_of(narrow) as client:
        started = asyncio.Event()
        task = asyncio.create_task(
            stream_completion(client, "A long story:", 1800, started=started)
        )
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await wait_until(lambda: narrow.metric(RESERVED) == 0, timeout_s=3)
    await wait_until(lambda: narrow.metric("vllm:num_requests_running", engine="0") == 0, 3)


async def test_interactive_requests_go_before_batch_ones(model: Path, tmp_path: Path) -> None:
    with launched(model, tmp_path, "--max-num-seqs=1", "--max-queue-wait-s=300") as predictor:
        predictor.wait_ready()
        order: list[str] = []

        async def run(name: str) -> None:
            headers = {"x-priority": name, "x-tenant-id": name}
            stream = await stream_completion(client, f"For {name}:", 30, headers)
            assert stream.whole, stream.error
            order.append(name)

        async with client_of(predictor) as client:
            batch = [asyncio.create_task(run("batch")) for _ in range(6)]
            await wait_until(lambda: predictor.metric(DECISIONS, decision="accepted") >= 6)
            interactive = [asyncio.create_task(run("interactive")) for _ in range(6)]
            await asyncio.gather(*batch, *interactive)
        mean = {
            name: sum(index for index, each in enumerate(order) if each == name) / 6
            for name in ("interactive", "batch")
        }
        assert mean["interactive"] + 2 < mean["batch"], order


async def test_a_flooding_tenant_does_not_starve_another(model: Path, tmp_path: Path) -> None:
    with launched(model, tmp_path, "--max-num-seqs=2", "--max-queue-wait-s=300") as predictor:
        predictor.wait_ready()
        order: list[str] = []

        async def run(tenant: str) -> None:
            stream = await stream_completion(client, f"{tenant}:", 30, {"x-tenant-id": tenant})
            assert stream.whole, stream.error
            order.append(tenant)

        async with client_of(predictor) as client:
            flood = [asyncio.create_task(run("flood")) for _ in range(24)]
            await wait_until(lambda: predictor.metric(DECISIONS, decision="accepted") >= 20)
            quiet = [asyncio.create_task(run("quiet")) for _ in range(4)]
            await asyncio.gather(*flood, *quiet)
        last_quiet = max(index for index, each in enumerate(order) if each == "quiet")
        assert last_quiet < 18, order


def test_a_prompt_that_never_fits_is_a_400(
    model: Path, tmp_path: Path, predictor: Predictor
) -> None:
    answer = predictor.post(
        "/v1/completions", {"model": "smollm2", "prompt": "word " * 3000, "max_tokens": 1}
    )
    assert answer.status_code == 400
