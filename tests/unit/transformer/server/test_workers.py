"""Several workers: spread, restarted, and ended with their parent."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import pytest

from pilotlight_transformer.workers import FIRST_PAUSE_S, LONGEST_PAUSE_S, STEADY_S, Backoff
from tests.unit.transformer.fronting import request, until
from tests.unit.transformer.served import Served
from tests.unit.transformer.stub_predictor import StubPredictor, event, stream


def children(pid: int) -> list[int]:
    return [int(part) for part in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


async def accepted(port: int) -> bool:
    with contextlib.suppress(ConnectionRefusedError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.transport.abort()
        return True
    return False


@pytest.fixture
def two_cores() -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("two workers need two cores")


def test_a_worker_that_keeps_dying_is_started_ever_more_seldom() -> None:
    backoff = Backoff()
    pauses = [backoff.after(0.1) for _ in range(12)]
    assert pauses[0] == FIRST_PAUSE_S
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_S
    assert backoff.after(STEADY_S) == FIRST_PAUSE_S


@pytest.mark.usefixtures("two_cores")
async def test_a_worker_that_is_killed_is_replaced_and_the_other_serves_on() -> None:
    more = asyncio.Event()
    async with (
        StubPredictor() as stub,
        Served(stub.port, "--workers=2", "--drain-delay-s=0.3") as served,
    ):
        await until(lambda: len(served.messages("serves port")) == 2, 30)
        parent = served.process.pid
        first, second = children(parent)
        os.kill(first, signal.SIGKILL)
        await until(lambda: len(served.messages("serves port")) == 3, 30)
        assert second in children(parent)
        # Some of these fell to the socket of the one that died.
        for _ in range(20):
            assert (await served.ask(body={})).status == 200
        stub.script = stream("a", "b", before=more)
        async with await served.client() as client:
            client.write(request(body={"stream": True}))
            assert (await client.head()).status == 200
            assert await client.piece() == event("a")
            served.signal()
            await until(lambda: len(served.messages("draining")) == 2)
            async with asyncio.timeout(10):
                # Nobody's queue takes connections that would then hang.
                while await accepted(served.port):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            more.set()
            while await client.piece():
                pass
        assert await served.ended() == 0
        assert not alive(second)


@pytest.mark.usefixtures("two_cores")
async def test_workers_die_with_their_parent() -> None:
    async with StubPredictor() as stub, Served(stub.port, "--workers=2") as served:
        await until(lambda: len(served.messages("serves port")) == 2, 30)
        workers = children(served.process.pid)
        served.process.kill()
        await served.process.wait()
        await until(lambda: not any(alive(pid) for pid in workers))


@pytest.mark.usefixtures("two_cores")
async def test_a_pipeline_that_no_worker_can_use_ends_them_all(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text("pipeline: [nonsense]\n")
    served = Served(1, "--workers=2", f"--pipeline={file}")
    with pytest.raises(AssertionError, match="nonsense"):
        await served.__aenter__()
    assert await served.ended() == 2
