"""The process: ready, draining, cut short, and its exit codes."""

import asyncio
import signal
import sys
from pathlib import Path

from tests.unit.transformer.fronting import request, until
from tests.unit.transformer.served import Served
from tests.unit.transformer.stub_predictor import StubPredictor, event, stream


async def test_a_stream_that_started_outlives_sigterm() -> None:
    more = asyncio.Event()
    async with (
        StubPredictor(stream("a", "b", before=more)) as stub,
        Served(stub.port, "--drain-delay-s=0.5") as served,
        await served.client() as client,
        await served.client() as idle,
    ):
        assert (await served.ask("/v2/health/ready")).status == 200
        client.write(request(body={"stream": True}))
        assert (await client.head()).status == 200
        assert await client.piece() == event("a")
        served.signal()
        await until(lambda: served.said("draining"))
        assert (await served.ask("/v2/health/ready")).status == 503
        assert (await served.ask("/v2/health/live")).status == 200
        assert await idle.ended() == b""
        more.set()
        answer = b""
        while piece := await client.piece():
            answer += piece
        assert answer.startswith(event("b"))
        assert await served.ended() == 0


async def test_what_outlives_the_grace_period_ends_with_an_error_event() -> None:
    async with (
        StubPredictor(stream("a", end="hang")) as stub,
        Served(stub.port, "--drain-delay-s=0", "--grace-period-s=0.5") as served,
    ):
        asking = asyncio.ensure_future(served.ask(body={"stream": True}))
        await until(lambda: stub.requests)
        served.signal()
        answer = await asking
        assert answer.events[-2]["error"]["code"] == "unavailable"
        assert answer.events[-1] == "[DONE]"
        assert await served.ended() == 1


async def test_a_second_signal_cuts_the_drain_short() -> None:
    async with (
        StubPredictor(stream("a", end="hang")) as stub,
        Served(stub.port, "--drain-delay-s=60") as served,
    ):
        asking = asyncio.ensure_future(served.ask(body={"stream": True}))
        await until(lambda: stub.requests)
        served.signal()
        await until(lambda: served.said("draining"))
        served.signal(signal.SIGINT)
        assert (await asking).events[-2]["error"]["code"] == "unavailable"
        assert await served.ended() == 1


async def test_a_pipeline_that_cannot_be_used_ends_the_start(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text("pipeline: [nonsense]\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pilotlight_transformer", "--predictor_host=a", "--http_port=0"),
        f"--pipeline={file}",
        stderr=asyncio.subprocess.PIPE,
    )
    _, error = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    assert b"there is no step 'nonsense'" in error


async def test_a_taken_port_is_exit_code_2() -> None:
    async with StubPredictor() as stub:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pilotlight_transformer", "--predictor_host=a"),
            *(f"--http_port={stub.port}", "--http-host=127.0.0.1"),
            stderr=asyncio.subprocess.PIPE,
        )
        _, error = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    assert b"--http-port" in error


LOOKING = "pipeline: ['tests.unit.transformer.forward.steps:LookingStep']\n"
TENANT = "pipeline: ['tests.unit.transformer.forward.steps:TenantStep']\n"


async def test_the_pipeline_is_reloaded_and_a_bad_file_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(LOOKING)
    more = asyncio.Event()
    async with (
        StubPredictor() as stub,
        Served(stub.port, f"--pipeline={file}", "--reload-s=0.05") as served,
    ):
        await served.ask(body={})
        assert stub.last.header("x-tenant-id") is None
        stub.script = stream("a", "b", before=more)
        running = asyncio.ensure_future(served.ask(body={"stream": True}))
        await until(lambda: len(stub.requests) == 2)
        file.write_text(TENANT)
        await until(lambda: served.said("the pipeline is now"))
        await until(lambda: stub.requests)
        more.set()
        assert (await running).whole
        await served.ask(body={})
        assert stub.last.header("x-tenant-id") == "acme"
        file.write_text("pipeline: [nonsense]\n")
        await until(lambda: served.said("stays as it was"))
        assert (await served.ask("/v2/health/ready")).status == 200
        await served.ask(body={})
        assert stub.last.header("x-tenant-id") == "acme"
        assert len(served.messages("stays as it was")) == 1
