"""All of the steps together, in a real process with two workers, as several tenants use them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis

from tests.unit.transformer.fronting import CHAT, RawAnswer
from tests.unit.transformer.redis_server import RedisServer
from tests.unit.transformer.served import Served
from tests.unit.transformer.stub_predictor import (
    DONE,
    STREAM_HEAD,
    Script,
    StubPredictor,
    StubRequest,
    chunk,
    whole,
)

KEYS = {"acme": "pl_acme-" + "a" * 40, "other": "pl_other-" + "b" * 40}
PASSWORD = "pa55word-of-redis"
PROMPT = "a question that nobody else may read"
ANSWER = "write to jane.doe@example.com"


def pipeline(folder: Path, redis: RedisServer) -> str:
    keys = [
        {"tenant": tenant, "name": tenant, "key": key, "scopes": ["*:*"]}
        for tenant, key in KEYS.items()
    ]
    return f"""
stores: {{folder: {folder}, redis: "redis://:{PASSWORD}@127.0.0.1:{redis.port}/0"}}
pipeline:
  - audit
  - auth: {{keys_database: false, keys: {json.dumps(keys)}}}
  - conversation: {{store: sqlite}}
  - safety: {{pii: [{{kinds: [email], action: redact}}]}}
  - validate
  - ratelimit: {{key: {{requests: {{rate: 50/s, burst: 200}}}}}}
  - feedback
  - cache
  - format: {{repetition: {{repeats: 6}}}}
"""


def _chat(text: str) -> dict[str, object]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    return {"id": "chatcmpl-7", "object": "chat.completion", "choices": [choice], "usage": usage}


def model() -> Script:
    """Answers the same to everybody, cut in the middle of what must not be seen."""
    answer = whole(_chat(ANSWER), x_pilotlight_revision="chat-00001")

    async def script(request: StubRequest) -> None:
        if not request.body or not request.document.get("stream"):
            await answer(request)
            return
        request.write(STREAM_HEAD)
        for at in range(0, len(ANSWER), 5):
            delta = {"content": ANSWER[at : at + 5]}
            choice = {"index": 0, "delta": delta, "finish_reason": None}
            document = {"id": "chatcmpl-8", "choices": [choice]}
            request.write(chunk(b"data: " + json.dumps(document).encode() + b"\n\n"))
            await request.writer.drain()
        last = {"id": "chatcmpl-8", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        request.write(chunk(b"data: " + json.dumps(last).encode() + b"\n\n"))
        request.write(chunk(DONE) + b"0\r\n\r\n")

    return script


class House:
    """The server, and its tenants."""

    def __init__(self, served: Served, stub: StubPredictor) -> None:
        self.served = served
        self.stub = stub

    async def ask(
        self, tenant: str, body: object = None, path: str = CHAT, method: str = ""
    ) -> RawAnswer:
        bearer = f"Bearer {KEYS[tenant]}"
        return await self.served.ask(path, body, method, authorization=bearer)


@asynccontextmanager
async def house(tmp_path: Path, redis: RedisServer) -> AsyncIterator[House]:
    file = tmp_path / "pipeline.yaml"
    file.write_text(pipeline(tmp_path / "stores", redis))
    arguments = (f"--pipeline={file}", "--workers=2", "--log-level=DEBUG", "--drain-delay-s=0")
    async with StubPredictor(model()) as stub, Served(stub.port, *arguments) as served:
        yield House(served, stub)
        served.signal()
        assert await served.ended() == 0, served.lines[-5:]


def question(**more: object) -> dict[str, object]:
    messages = [{"role": "user", "content": PROMPT}]
    return {"model": "m", "messages": messages, "temperature": 0, **more}


@pytest.fixture(scope="module")
def guarded_redis(redis_server: RedisServer) -> RedisServer:
    """A Redis that wants a password."""
    client = redis.Redis(port=redis_server.port)
    client.config_set("requirepass", PASSWORD)
    client.close()
    return redis_server


async def test_each_tenant_gets_an_answer_and_nobody_gets_anothers(
    tmp_path: Path, guarded_redis: RedisServer
) -> None:
    async with house(tmp_path, guarded_redis) as here:
        first = await here.ask("acme", question())
        assert first.status == 200
        text = first.document["choices"][0]["message"]["content"]
        assert "jane.doe" not in text
        assert first.header("x-cache") == "miss"
        assert int(first.header("x-ratelimit-remaining-requests") or 0) >= 198

        # The other worker finds it in Redis, a moment after the first answer went out.
        for _ in range(200):
            again = await here.ask("acme", question())
            if again.header("x-cache") == "hit":
                break
            await asyncio.sleep(0.05)
        assert again.header("x-cache") == "hit"
        assert again.document["choices"] == first.document["choices"]
        asked = len(here.stub.requests)
        others = await here.ask("other", question())
        assert others.header("x-cache") == "miss"
        assert len(here.stub.requests) == asked + 1

        score = {"response_id": first.document["id"], "score": 1}
        assert (await here.ask("acme", score, "/v1/feedback")).status == 200
        unknown = {"response_id": "chatcmpl-unknown", "score": 1}
        assert (await here.ask("other", unknown, "/v1/feedback")).status == 404


async def test_a_stream_is_redacted_before_it_is_stored_and_kept_for_its_tenant(
    tmp_path: Path, guarded_redis: RedisServer
) -> None:
    async with house(tmp_path, guarded_redis) as here:
        asked = question(stream=True, conversation_id="c-1")
        streamed = await here.ask("acme", asked)
        assert streamed.status == 200
        assert streamed.events[-1] == "[DONE]"
        assert b"jane.doe" not in streamed.body
        path = "/v1/conversations/c-1"
        stored = await here.ask("acme", path=path, method="GET")
        assert stored.status == 200
        assert PROMPT in stored.body.decode()
        assert b"jane.doe" not in stored.body
        assert (await here.ask("other", path=path, method="GET")).status == 404
        assert (await here.ask("other", path=path, method="DELETE")).status == 404
        assert (await here.ask("acme", path=path, method="DELETE")).status in {200, 204}


async def test_neither_keys_nor_passwords_nor_texts_are_in_the_log(
    tmp_path: Path, guarded_redis: RedisServer
) -> None:
    async with house(tmp_path, guarded_redis) as here:
        await here.ask("acme", question())
        await here.ask("acme", question(stream=True, conversation_id="c-2"))
        await here.ask("acme", {**question(), "temperature": "hot"})
        await here.served.ask(CHAT, question(), authorization="Bearer pl_forged-" + "c" * 40)
        await here.ask("acme", path="/v1/models/none/such", method="GET")
    log = "".join(here.served.lines)
    assert "ready: worker" in log
    secrets = [*KEYS.values(), PASSWORD, PROMPT, "jane.doe", "pl_forged"]
    assert [secret for secret in secrets if secret in log] == []


@pytest.mark.parametrize(
    "target",
    [
        "/v1/../v1/chat/completions",
        "/v1/%2e%2e/v1/chat/completions",
        "//v1/chat/completions",
        "/v1/chat/completions#/metrics",
        "/v2/repository/models/m/unload",
        "/admin/lora/load",
        "/v1/conversations/..%2fother",
    ],
)
async def test_no_spelling_of_a_path_leads_around_the_steps(
    target: str, tmp_path: Path, guarded_redis: RedisServer
) -> None:
    async with house(tmp_path, guarded_redis) as here:
        answer = await here.served.ask(target, question())
        assert answer.status in {400, 401, 404}
        assert here.stub.requests == []
