"""What vLLM's serving objects answer, as one request error or one OpenAI body.

Stand-ins for the serving objects fail on demand in ways that a healthy engine does not.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.datastructures import State

from pilotlight.errors import (
    InvalidRequest,
    ModelNotFound,
    NotSupported,
    Overloaded,
    RequestError,
    Unavailable,
)

pytestmark = pytest.mark.engine


def generator(answer: Callable[[Any, Any], Any]) -> Any:
    from pilotlight_predictor.generator import VllmTextGenerator

    async def create(request: Any, raw_request: Any) -> Any:
        result = answer(request, raw_request)
        return await result if asyncio.iscoroutine(result) else result

    return VllmTextGenerator(
        State(
            {
                "openai_serving_completion": SimpleNamespace(create_completion=create),
                "openai_serving_chat": SimpleNamespace(create_chat_completion=create),
            }
        )
    )


def raising(error: Exception) -> Any:
    def answer(*_: Any) -> Any:
        raise error

    return generator(answer)


def refusing(status: HTTPStatus) -> Any:
    from vllm.entrypoints.serve import create_error_response

    return generator(lambda *_: create_error_response("no", status_code=status, param="p"))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (HTTPStatus.BAD_REQUEST, InvalidRequest),
        (HTTPStatus.UNPROCESSABLE_ENTITY, InvalidRequest),
        (HTTPStatus.NOT_FOUND, ModelNotFound),
        (HTTPStatus.NOT_IMPLEMENTED, NotSupported),
        (HTTPStatus.SERVICE_UNAVAILABLE, Unavailable),
        (HTTPStatus.INTERNAL_SERVER_ERROR, RequestError),
    ],
)
async def test_an_error_response_becomes_a_request_error(
    status: HTTPStatus, kind: type[RequestError]
) -> None:
    with pytest.raises(RequestError) as caught:
        await refusing(status).completion({"prompt": "a"}, {})
    assert type(caught.value) is kind


async def test_exceptions_become_request_errors(caplog: pytest.LogCaptureFixture) -> None:
    from vllm.exceptions import QueueOverflowError, VLLMValidationError
    from vllm.v1.engine.exceptions import EngineDeadError

    expected = [
        (VLLMValidationError("too long", parameter="prompt"), InvalidRequest),
        (QueueOverflowError(), Unavailable),
        (EngineDeadError(), Unavailable),
        (OverflowError("too big"), InvalidRequest),
        (Overloaded("ours"), Overloaded),
    ]
    for error, kind in expected:
        with pytest.raises(RequestError) as caught:
            await raising(error).chat({"messages": [{"role": "user", "content": "a"}]}, {})
        assert type(caught.value) is kind
    assert caplog.records == []


async def test_a_bug_is_logged_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(RequestError) as caught:
        await raising(RuntimeError("secret detail")).completion({"prompt": "a"}, {})
    assert caught.value.status == 500
    assert "secret" not in caught.value.message
    assert "secret detail" in caplog.text


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": "a", "max_tokens": "many"}, "max_tokens"),
        ({"prompt": "a", "stop": 5}, "stop"),
        ({"messages": [{}]}, "messages"),
        ({"messages": 5}, None),
    ],
)
async def test_a_body_that_vllm_does_not_parse_is_a_400(
    body: dict[str, Any], param: str | None
) -> None:
    ours = raising(AssertionError("the engine was called"))
    with pytest.raises(InvalidRequest) as caught:
        await (ours.chat if "messages" in body else ours.completion)(body, {})
    assert caught.value.param == param


async def test_only_harmless_headers_reach_vllm() -> None:
    seen: list[Any] = []

    def answer(request: Any, raw_request: Any) -> Any:
        seen.append(raw_request)
        return SimpleNamespace(model_dump=dict)

    await generator(answer).completion(
        {"prompt": "a"},
        {
            "X-Request-Id": "r",
            "traceparent": "t",
            "x-vllm-priority": "-5",
            "x-data-parallel-rank": "3",
            "authorization": "Bearer secret",
        },
    )
    assert dict(seen[0].headers) == {"x-request-id": "r", "traceparent": "t"}


async def test_a_cancellation_is_not_swallowed() -> None:
    """vLLM answers a cancelled request with an error response, as if the client had left."""
    from vllm.entrypoints.serve import create_error_response

    started = asyncio.Event()

    async def wait() -> Any:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return create_error_response("Client disconnected")

    task = asyncio.ensure_future(generator(lambda *_: wait()).completion({"prompt": "a"}, {}))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_model_that_does_not_generate_says_so() -> None:
    from pilotlight_predictor.generator import VllmTextGenerator

    ours = VllmTextGenerator(State({"openai_serving_completion": None}))
    with pytest.raises(NotSupported):
        await ours.completion({"prompt": "a"}, {})
    with pytest.raises(NotSupported):
        await ours.chat({"messages": []}, {})
