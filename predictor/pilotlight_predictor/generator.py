"""The text generator over vLLM's own serving objects: the ones behind OpenAI's routes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import State
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.entrypoints.openai.completion.protocol import CompletionRequest
from vllm.entrypoints.serve import create_error_response
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.v1.engine.exceptions import EngineDeadError

from pilotlight.errors import (
    InvalidRequest,
    ModelNotFound,
    NotSupported,
    Overloaded,
    RequestError,
    Unavailable,
)

_log = logging.getLogger(__name__)

# What vLLM may read: it also takes a priority and an engine rank from headers.
_FORWARDED = frozenset({"x-request-id", "x-session-id", "traceparent", "tracestate"})
_ERRORS: dict[int, type[RequestError]] = {
    404: ModelNotFound,
    429: Overloaded,
    501: NotSupported,
    503: Unavailable,
}

_Body = TypeVar("_Body", bound=BaseModel)


class VllmTextGenerator:
    """Calls what vLLM's routes call, so that every protocol has the same defaults.

    Args:
        state: The state of vLLM's application, filled by ``init_app_state``.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    async def completion(self, body: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        """Answer a completion body; see :class:`~.text_generator.TextGenerator`."""
        serving = getattr(self._state, "openai_serving_completion", None)
        if serving is None:
            raise NotSupported("the model does not generate text")
        return await _answer(serving.create_completion, _parsed(CompletionRequest, body), headers)

    async def chat(self, body: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        """Answer a chat body; see :class:`~.text_generator.TextGenerator`."""
        serving = getattr(self._state, "openai_serving_chat", None)
        if serving is None:
            raise NotSupported("the model does not chat")
        request = _parsed(ChatCompletionRequest, body)
        return await _answer(serving.create_chat_completion, request, headers)


def _parsed(kind: type[_Body], body: dict[str, Any]) -> _Body:
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        names = [part for part in first["loc"] if isinstance(part, str) and part in body]
        name = names[0] if names else None
        place = f"{name}: " if name else ""
        raise InvalidRequest(f"{place}{first['msg']}", param=name) from None
    except Exception as error:  # noqa: BLE001  # vLLM's validators raise errors of their own
        raise request_error(error) from None


async def _answer(
    create: Callable[[Any, Request], Awaitable[Any]], request: BaseModel, headers: Mapping[str, str]
) -> dict[str, Any]:
    try:
        answer = await create(request, _raw_request(headers))
    except Exception as error:  # noqa: BLE001  # translated, and logged if unexpected
        raise request_error(error) from None
    # vLLM takes a cancellation for a client that left, and answers it with an error.
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
    if isinstance(answer, ErrorResponse):
        raise _from_response(answer)
    fields: dict[str, Any] = answer.model_dump()
    return fields


def _raw_request(headers: Mapping[str, str]) -> Request:
    forwarded = [
        (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in headers.items()
        if name.lower() in _FORWARDED
    ]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": forwarded})


def request_error(error: Exception) -> RequestError:
    """What an exception from vLLM means to the client; an unexpected one is logged."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, EngineDeadError):
        return Unavailable("the engine has stopped")
    translated = _from_response(create_error_response(error))
    if type(translated) is RequestError:
        _log.error("the engine failed a request", exc_info=error)
    return translated


def _from_response(response: ErrorResponse) -> RequestError:
    error = response.error
    if error.code in _ERRORS:
        return _ERRORS[error.code](error.message, param=error.param)
    if 400 <= error.code < 500:
        return InvalidRequest(error.message, param=error.param)
    return RequestError("the engine failed on this request")
