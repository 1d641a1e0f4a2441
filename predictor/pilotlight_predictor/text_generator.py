"""The port through which KServe's protocols reach the engine."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pilotlight.errors import RequestError

REQUEST_ID_HEADER = "x-request-id"


class TextGenerator(Protocol):
    """Takes and returns OpenAI's JSON, so that every protocol gives the same answer.

    Both methods raise :class:`pilotlight.errors.RequestError` and nothing else of their own.
    """

    async def completion(self, body: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        """Answer a body of ``POST /v1/completions`` (one prompt, not streamed)."""
        ...

    async def chat(self, body: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        """Answer a body of ``POST /v1/chat/completions`` (not streamed)."""
        ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt of a V1 or V2 request.

    Args:
        content: A text to continue, or the messages of a chat.
        sampling: OpenAI's sampling fields; one that is absent has OpenAI's default.
    """

    content: str | Sequence[Mapping[str, Any]]
    sampling: Mapping[str, Any]

    async def answered_by(self, generator: TextGenerator, headers: Mapping[str, str]) -> "Answer":
        """Generate the answer to this prompt."""
        if isinstance(self.content, str):
            return _answer(
                await generator.completion({"prompt": self.content, **self.sampling}, headers)
            )
        return _answer(
            await generator.chat({"messages": list(self.content), **self.sampling}, headers)
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """The generated text and what it cost in tokens."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int


def _answer(response: Mapping[str, Any]) -> Answer:
    choice = response["choices"][0]
    usage = response["usage"]
    # A chat answer that only calls tools, or only reasons, has no content.
    text = choice["text"] if "text" in choice else choice["message"].get("content") or ""
    return Answer(
        text=text,
        finish_reason=choice.get("finish_reason") or "",
        prompt_tokens=usage["prompt_tokens"],
        completion_tokens=usage.get("completion_tokens") or 0,
    )


async def answer_all(
    generator: TextGenerator, prompts: Sequence[Prompt], headers: Mapping[str, str]
) -> list[Answer]:
    """Answer the prompts of one request at the same time, in their order.

    One that fails cancels the others: the request has one status.

    Raises:
        RequestError: The first failure.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(
                    prompt.answered_by(generator, _headers_of(headers, i, len(prompts)))
                )
                for i, prompt in enumerate(prompts)
            ]
    except BaseExceptionGroup as failures:
        refused = failures.subgroup(RequestError)
        raise _first(refused if refused is not None else failures) from None
    return [task.result() for task in tasks]


def _headers_of(headers: Mapping[str, str], index: int, total: int) -> Mapping[str, str]:
    """The request's headers, with an id of its own for each of several prompts."""
    request_id = headers.get(REQUEST_ID_HEADER)
    if request_id is None or total == 1:
        return headers
    return {**headers, REQUEST_ID_HEADER: f"{request_id}-{index}"}


def _first(failure: BaseException) -> BaseException:
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure
