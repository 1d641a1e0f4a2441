"""SIGTERM: nothing that runs is lost, and the engine never outlives its server."""

import asyncio
import os
import signal
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.engine.predictor_process import Predictor, launched
from tests.engine.streams import client_of, stream_completion, wait_until

STREAMS = 20
TOKENS = 150


def _gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


async def _running(predictor: Predictor, count: int) -> None:
    name = "pilotlight_predictor_in_flight_requests"
    await wait_until(lambda: predictor.metric(name) >= count)


async def test_sigterm_under_twenty_streams_loses_none(model: Path, tmp_path: Path) -> None:
    with launched(model, tmp_path, "--drain-delay-s=1.5") as predictor:
        predictor.wait_ready()
        engine = predictor.engine_pid()
        async with client_of(predictor) as client:
            tasks = [
                asyncio.create_task(stream_completion(client, f"Story number {n}:", TOKENS))
                for n in range(STREAMS)
            ]
            await _running(predictor, STREAMS)
            predictor.terminate()
            await wait_until(lambda: predictor.state() == "draining")
            ready = await client.get("/v2/health/ready")
            live = await client.get("/v2/health/live")
            late = await stream_completion(client, "Accepted within the delay:", 4)
            await asyncio.sleep(2)
            refused = await stream_completion(client, "Too late:", 4)
            streams = await asyncio.gather(*tasks)
        assert predictor.wait() == 0, predictor.tail()
        assert ready.status_code == 503
        assert live.status_code == 200
        assert late.whole
        assert late.headers["connection"] == "close"
        assert refused.status == 503
        assert refused.headers["connection"] == "close"
        assert "retry-after" in refused.headers
        assert [len(stream.chunks) >= TOKENS for stream in streams] == [True] * STREAMS
        assert all(stream.whole for stream in streams)
        assert _gone(engine)


async def test_a_second_sigterm_cuts_the_drain_short(model: Path, tmp_path: Path) -> None:
    with launched(model, tmp_path) as predictor:
        predictor.wait_ready()
        engine = predictor.engine_pid()
        async with client_of(predictor) as client:
            task = asyncio.create_task(stream_completion(client, "A long story:", 1900))
            await _running(predictor, 1)
            predictor.terminate()
            await wait_until(lambda: predictor.state() == "draining")
            begin = time.monotonic()
            predictor.terminate()
            stream = await task
        assert predictor.wait() == 1
        assert time.monotonic() - begin < 15
        assert not stream.whole
        assert "a second signal" in predictor.tail()
        assert _gone(engine)


async def test_the_grace_period_bounds_the_drain(model: Path, tmp_path: Path) -> None:
    with launched(model, tmp_path, "--grace-period-s=1") as predictor:
        predictor.wait_ready()
        async with client_of(predictor) as client:
            task = asyncio.create_task(stream_completion(client, "A long story:", 1900))
            await _running(predictor, 1)
            predictor.terminate()
            assert not (await task).whole
        assert predictor.wait() == 1
        assert "1 requests were cut: the grace period" in predictor.tail()


def test_sigterm_while_the_model_loads_ends_at_once(model: Path, tmp_path: Path) -> None:
    with launched(model, tmp_path) as predictor:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                answer = predictor.get("/v2/health/ready")
                break
            except httpx.TransportError:
                time.sleep(0.05)
        assert answer.status_code == 503
        assert answer.json()["state"] == "loading"
        assert predictor.get("/v2/health/live").status_code == 200
        refused = predictor.post("/v1/completions", {"model": "smollm2", "prompt": "x"})
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "unavailable"
        predictor.terminate()
        assert predictor.wait(10) == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_the_engine_dies_with_its_server(
    model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with launched(model, tmp_path) as predictor:
        predictor.wait_ready()
        engine = predictor.engine_pid()
        predictor.process.send_signal(number)
        predictor.wait()
        deadline = time.monotonic() + 10
        while not _gone(engine) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert _gone(engine)


def test_a_spawned_engine_dies_with_its_server_too(model: Path, tmp_path: Path) -> None:
    environment = {"VLLM_WORKER_MULTIPROC_METHOD": "spawn"}
    with launched(model, tmp_path, environment=environment) as predictor:
        predictor.wait_ready()
        assert predictor.complete("The capital of France is", max_tokens=2)["choices"]
        family = psutil.Process(predictor.process.pid).children(recursive=True)
        assert len(family) >= 2
        predictor.process.kill()
        predictor.wait()
        _, alive = psutil.wait_procs(family, timeout=15)
        assert alive == []


async def test_a_dead_engine_ends_the_server_with_an_error(model: Path, tmp_path: Path) -> None:
    with launched(model, tmp_path) as predictor:
        predictor.wait_ready()
        async with client_of(predictor) as client:
            task = asyncio.create_task(stream_completion(client, "A long story:", 1500))
            await _running(predictor, 1)
            os.kill(predictor.engine_pid(), signal.SIGKILL)
            stream = await task
        assert predictor.wait(20) == 1
        assert not stream.whole
        assert "the engine's process died" in predictor.tail()


async def test_a_hung_engine_fails_liveness_and_does_not_hold_up_the_stop(
    model: Path, tmp_path: Path
) -> None:
    with launched(model, tmp_path, "--stuck-after-s=3") as predictor:
        predictor.wait_ready()
        engine = predictor.engine_pid()
        os.kill(engine, signal.SIGSTOP)
        assert predictor.get("/v2/health/live").status_code == 200, "idle is not stuck"
        async with client_of(predictor) as client:
            task = asyncio.create_task(stream_completion(client, "A long story:", 500))
            await wait_until(lambda: predictor.get("/v2/health/live").status_code == 503)
            reason = predictor.get("/v2/health/live").json()["reason"]
            assert "stuck" in reason
            assert predictor.get("/v2/health/ready").status_code == 503
            begin = time.monotonic()
            predictor.terminate()
            assert not (await task).whole
        assert predictor.wait(30) == 1
        assert time.monotonic() - begin < 25
        assert _gone(engine)
