"""The pipeline's file as Kubernetes and editors change it, and what becomes of the old pipeline."""

import asyncio
from pathlib import Path

import pytest

from pilotlight.errors import Unavailable, UsageError
from pilotlight_transformer.inflight import InFlight
from pilotlight_transformer.pipeline.configuration import Configuration
from pilotlight_transformer.pipeline.pipeline import Pipeline
from pilotlight_transformer.reload import PipelineFile
from tests.unit.transformer.fronting import Front, request, until
from tests.unit.transformer.playing import a_call
from tests.unit.transformer.stub_predictor import StubPredictor, stream

LOOKING = "pipeline: ['tests.unit.transformer.forward.steps:LookingStep']\n"
TENANT = "pipeline: ['tests.unit.transformer.forward.steps:TenantStep']\n"


class Used:
    """Keeps the names of the steps that were put into use."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.fault: Exception | None = None

    async def __call__(self, configuration: Configuration) -> None:
        if self.fault is not None:
            raise self.fault
        self.names += [choice.step.name for choice in configuration.steps]


async def test_a_config_map_is_followed_through_its_links(tmp_path: Path) -> None:
    for version, text in (("..1", LOOKING), ("..2", TENANT)):
        (tmp_path / version).mkdir()
        (tmp_path / version / "pipeline.yaml").write_text(text)
    data = tmp_path / "..data"
    data.symlink_to("..1")
    (tmp_path / "pipeline.yaml").symlink_to("..data/pipeline.yaml")
    used = Used()
    file = PipelineFile(tmp_path / "pipeline.yaml", used)
    await file.load()
    await file.look()
    assert used.names == ["looking"]
    # What the kubelet does: a new link under another name, then one rename.
    (tmp_path / "..tmp").symlink_to("..2")
    (tmp_path / "..tmp").rename(data)
    await file.look()
    await file.look()
    assert used.names == ["looking", "tenant"]


async def test_a_file_that_is_away_for_a_moment_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(LOOKING)
    used = Used()
    file = PipelineFile(path, used)
    await file.load()
    path.unlink()
    await file.look()
    path.write_text(TENANT)
    await file.look()
    await file.look()
    assert used.names == ["looking", "tenant"]


async def test_a_step_that_does_not_start_is_one_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(LOOKING)
    used = Used()
    file = PipelineFile(path, used)
    await file.load()
    used.fault = UsageError("the store cannot be opened")
    path.write_text(TENANT)
    await file.look()
    await file.look()
    (line,) = [record for record in caplog.records if "stays as it was" in record.message]
    assert "the store cannot be opened" in line.message
    assert line.exc_info is None


async def test_a_change_that_fails_for_a_passing_reason_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(LOOKING)
    used = Used()
    file = PipelineFile(path, used)
    await file.load()
    used.fault = Unavailable("the database is locked")
    path.write_text(TENANT)
    await file.look()
    await file.look()
    used.fault = None
    await file.look()
    assert used.names == ["looking", "tenant"]


async def test_a_first_file_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        await PipelineFile(tmp_path / "missing.yaml", Used()).load()


class Closing(Pipeline):
    """Tells when it was closed."""

    def __init__(self) -> None:
        super().__init__(())
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1


async def test_an_old_pipeline_is_closed_after_its_last_call() -> None:
    old, new = Closing(), Closing()
    inflight = InFlight(old)
    first, second = inflight.begin(a_call({})), inflight.begin(a_call({}))
    inflight.replace(new)
    assert inflight.begin(a_call({})).pipeline is new
    inflight.end(first)
    await asyncio.sleep(0)
    assert old.closed == 0
    inflight.end(second)
    await until(lambda: old.closed == 1)
    assert new.closed == 0
    await inflight.close()
    assert (old.closed, new.closed) == (1, 0)


async def test_a_call_ends_in_the_pipeline_in_which_it_began() -> None:
    more = asyncio.Event()
    looking = "- tests.unit.transformer.forward.steps:LookingStep"
    async with (
        StubPredictor(stream("a", "b", before=more)) as stub,
        Front(stub.target, looking) as front,
        await front.client() as client,
    ):
        old = front.gateway.inflight.pipeline
        client.write(request(body={"stream": True}))
        await client.head()
        front.gateway.inflight.replace(await front.build(TENANT))
        assert front.gateway.inflight.pipeline is not old
        more.set()
        pieces = b""
        while piece := await client.piece():
            pieces += piece
        assert pieces.endswith(b"data: [DONE]\n\n")
        assert stub.last.header("x-tenant-id") is None
        await front.ask(body={"stream": True})
        assert stub.last.header("x-tenant-id") == "acme"
