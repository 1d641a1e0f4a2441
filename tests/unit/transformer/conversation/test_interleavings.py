"""However turns come together: none that was acknowledged is lost, nobody reads another's."""

import asyncio
import random
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pilotlight.errors import BadGateway
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Identity
from tests.unit.transformer.conversation.talk import contents, play_with, read, say
from tests.unit.transformer.playing import Play, PlayedPredictor, chat_answer, chat_stream
from tests.unit.transformer.redis_server import RedisServer

TENANTS = ("a", "a:c", "b")


@dataclass(frozen=True)
class Plan:
    """One request: who asks, where, and what becomes of it."""

    tenant: str
    replica: int
    stream: bool
    fate: str
    after: int


plans = st.lists(
    st.builds(
        Plan,
        tenant=st.sampled_from(TENANTS),
        replica=st.integers(0, 1),
        stream=st.booleans(),
        fate=st.sampled_from(["answered", "answered", "breaks", "leaves"]),
        after=st.integers(0, 6),
    ),
    min_size=2,
    max_size=12,
)


def reply(call: Call) -> Answer:
    question: str = call.document["messages"][-1]["content"]
    breaks = BadGateway("gone") if question.endswith("breaks") else None
    if not call.stream:
        if breaks:
            raise breaks
        return chat_answer(f"re: {question}")
    answer = chat_stream("re: ", question, fail=breaks)
    body = answer.body
    assert not isinstance(body, bytes)

    async def slowly() -> AsyncIterator[bytes]:
        async for piece in body:
            await asyncio.sleep(random.random() / 500)
            yield piece

    answer.body = slowly()
    return answer


async def run(replicas: list[Play], number: int, plan: Plan, conversation: str) -> str | None:
    """Ask as planned; the question, if its answer was acknowledged."""
    play, question = replicas[plan.replica], f"q{number} of {plan.tenant} {plan.fate}"
    for _ in range(100):
        await asyncio.sleep(plan.after / 1000)
        asking = say(play, question, conversation, Identity(plan.tenant), stream=plan.stream)
        task = asyncio.ensure_future(asking)
        if plan.fate == "leaves":
            await asyncio.sleep(plan.after / 1000)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return None
        client = await task
        if client.status == 200:
            whole = not plan.stream or not any("error" in event for event in client.events[:-1])
            return question if whole else None
        if client.status != 409:
            return None
    raise AssertionError("the conversation stayed busy")


async def scenario(folder: Path, chosen: list[Plan], conversation: str, redis: str | None) -> None:
    async with AsyncExitStack() as stack:
        replicas = [
            await stack.enter_async_context(
                play_with("", folder, predictor=PlayedPredictor(reply), redis=redis)
            )
            for _ in range(2)
        ]
        async with asyncio.timeout(30):
            found = await asyncio.gather(
                *(run(replicas, n, plan, conversation) for n, plan in enumerate(chosen))
            )
        for tenant in TENANTS:
            acknowledged = {
                question
                for question, plan in zip(found, chosen, strict=True)
                if question is not None and plan.tenant == tenant
            }
            kept = await contents(replicas[0], conversation, Identity(tenant))
            questions, answers = kept[::2], kept[1::2]
            assert acknowledged <= set(questions)
            assert len(set(questions)) == len(questions)
            assert all(f" of {tenant} " in question for question in questions)
            for question, answer in zip(questions, answers, strict=True):
                assert f"re: {question}".startswith(answer)
                assert question not in acknowledged or answer == f"re: {question}"
            if kept:
                client = await read(replicas[1], conversation, Identity(tenant))
                assert client.document["version"] == len(questions)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(plans)
def test_in_a_file(chosen: list[Plan]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(scenario(Path(folder), chosen, "c", None))


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(chosen=plans)
def test_in_redis(
    redis_server: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
    chosen: list[Plan],
) -> None:
    folder = tmp_path_factory.mktemp("unused")
    asyncio.run(scenario(folder, chosen, uuid.uuid4().hex, redis_server.url))
