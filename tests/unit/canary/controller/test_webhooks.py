"""Gates outside, asked over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from pilotlight.api.analysis import Webhook
from pilotlight.api.rollout_status import TaskState
from pilotlight_canary.controller.jobs import Assignment
from pilotlight_canary.controller.webhooks import ask, named
from pilotlight_canary.observation import TaskResult
from tests.unit.canary.controller.rollouts import rollout


class Gate:
    """Answers what it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers = [200]
        self.asked: list[dict[str, Any]] = []
        self.delay_s = 0.0
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        await asyncio.sleep(self.delay_s)
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        headers = {"Location": "/elsewhere"} if status == 302 else {}
        return web.Response(status=status, text="not today", headers=headers)


@pytest.fixture
async def gate() -> AsyncIterator[Gate]:
    found = Gate()
    app = web.Application()
    app.router.add_post("/gate", found.answer)
    server = TestServer(app)
    await server.start_server()
    found.url = str(server.make_url("/gate"))
    yield found
    await server.close()


async def asked(
    gate: Gate, type_: str, *, until: int = 0, patience: str = "1s"
) -> tuple[TaskResult | None, list[TaskResult]]:
    """Ask; with ``until`` for so many reports only."""
    webhook = Webhook.model_validate(
        {"name": "gate", "type": type_, "url": gate.url, "timeout": patience}
    )
    status = {"phase": "Gating", "canaryRevision": "llm-00002", "templateHash": "abc"}
    subject = rollout(status, analysis={"webhooks": [webhook.model_dump()]})
    analysis = subject.spec.analysis.model_copy(update={"interval": timedelta(seconds=0.05)})
    spec = subject.spec.model_copy(update={"analysis": analysis})
    subject = subject.model_copy(update={"spec": spec})
    reports: list[TaskResult] = []
    enough = asyncio.Event()

    def report(result: TaskResult) -> None:
        reports.append(result)
        if len(reports) == until:
            enough.set()

    async with aiohttp.ClientSession() as session:
        asking = asyncio.create_task(
            ask(session, webhook, lambda: Assignment(subject), report, pause_s=0.01)
        )
        waiting = asyncio.create_task(enough.wait())
        await asyncio.wait({asking, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
        waiting.cancel()
        if asking.done():
            return asking.result(), reports
        asking.cancel()
        return None, reports


async def test_a_2xx_passes_and_it_is_told_what_the_rollout_is(gate: Gate) -> None:
    gate.answers = [204]
    result, _ = await asked(gate, "pre-rollout")
    assert result is not None
    assert result.state is TaskState.PASSED
    (body,) = gate.asked
    assert (body["name"], body["namespace"], body["phase"]) == ("chat", "models", "Gating")
    assert body["checksum"] == "abc"
    assert body["metadata"]["canaryRevision"] == "llm-00002"
    assert all(isinstance(value, str) for value in body["metadata"].values())


async def test_a_4xx_refuses_at_once_with_the_gates_own_words(gate: Gate) -> None:
    gate.answers = [403]
    result, _ = await asked(gate, "pre-rollout")
    assert result == TaskResult(TaskState.REFUSED, "webhook gate: HTTP 403 not today")
    assert len(gate.asked) == 1


async def test_a_5xx_is_tried_again(gate: Gate) -> None:
    gate.answers = [500, 503, 200]
    result, _ = await asked(gate, "pre-rollout")
    assert result is not None
    assert result.state is TaskState.PASSED
    assert len(gate.asked) == 3


async def test_one_that_never_answers_refuses_after_its_timeouts(gate: Gate) -> None:
    gate.delay_s = 2
    result, _ = await asked(gate, "pre-rollout", patience="1s")
    assert result == TaskResult(TaskState.REFUSED, "webhook gate: no answer in 1 s")


async def test_nobody_there_refuses(gate: Gate) -> None:
    gate.url = "http://127.0.0.1:9/gate"
    result, _ = await asked(gate, "pre-rollout")
    assert result is not None
    assert result.state is TaskState.REFUSED


async def test_a_redirect_is_no_yes_and_is_not_followed(gate: Gate) -> None:
    gate.answers = [302]
    result, _ = await asked(gate, "pre-rollout")
    assert result is not None
    assert result.state is TaskState.REFUSED
    assert len(gate.asked) == 1


@pytest.mark.parametrize("type_", ["confirm-rollout", "confirm-promotion", "rollback"])
async def test_a_confirmation_is_waited_for(gate: Gate, type_: str) -> None:
    gate.answers = [403, 403, 200]
    result, reports = await asked(gate, type_)
    assert result is not None
    assert result.state is TaskState.PASSED
    assert {report.state for report in reports} == {TaskState.WAITING}
    assert "not today" in reports[0].message


async def test_a_check_during_the_rollout_is_asked_in_each_interval_until_it_refuses(
    gate: Gate,
) -> None:
    gate.answers = [200, 200, 412]
    result, reports = await asked(gate, "rollout")
    assert [report.state for report in reports] == [TaskState.PASSED, TaskState.PASSED]
    assert result is not None
    assert result.state is TaskState.REFUSED


def test_a_webhook_is_found_by_its_task() -> None:
    webhook = {"name": "load-test", "type": "rollout", "url": "http://load"}
    subject = rollout(analysis={"webhooks": [webhook]})
    found = named(subject, "webhook-load-test")
    assert found is not None
    assert found.url == "http://load"
    assert named(subject, "webhook-other") is None
