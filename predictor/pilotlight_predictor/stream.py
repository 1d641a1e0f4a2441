"""One request's outputs on their way from the engine, admitted, timed and bounded."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from http import HTTPStatus
from typing import Any

from vllm.exceptions import GracefulHTTPError

from pilotlight.errors import DeadlineExceeded, RequestError
from pilotlight_predictor.admission.gate import AdmissionGate, Ticket
from pilotlight_predictor.metrics import INTER_TOKEN, TTFT
from pilotlight_predictor.request import RequestContext, current_request


class EngineRefusal(GracefulHTTPError):  # type: ignore[misc]
    """A :class:`RequestError` in the form that vLLM's servers pass on."""

    def __init__(self, cause: RequestError) -> None:
        super().__init__(cause.message, HTTPStatus(cause.status))
        self.cause = cause


def admitted(
    gate: AdmissionGate,
    outputs: AsyncGenerator[Any, None],
    *,
    prompt_tokens: int,
    max_output_tokens: int,
    sequences: int,
) -> AsyncGenerator[Any, None]:
    """Put a request that is not yet with the engine behind admission.

    Raises:
        EngineRefusal: At once, before any output, if the request is refused.
    """
    context = current_request.get()
    if context is None:
        return outputs
    try:
        ticket = gate.submit(
            context,
            prompt_tokens=prompt_tokens,
            max_output_tokens=max_output_tokens,
            sequences=sequences,
        )
    except RequestError as error:
        raise EngineRefusal(error) from error
    return _follow(ticket, context, outputs)


async def _follow(
    ticket: Ticket, context: RequestContext, outputs: AsyncGenerator[Any, None]
) -> AsyncGenerator[Any, None]:
    watch = _TokenWatch(ticket, context)
    try:
        await ticket.turn
        async for output in _until(outputs, context.deadline_s):
            watch.see(output)
            yield output
        ticket.complete()
    except RequestError as error:
        raise EngineRefusal(context.fail(error)) from error
    finally:
        await outputs.aclose()
        ticket.release()


async def _until(
    outputs: AsyncGenerator[Any, None], deadline_s: float | None
) -> AsyncIterator[Any]:
    if deadline_s is None:
        async for output in outputs:
            yield output
        return
    while True:
        try:
            async with asyncio.timeout_at(deadline_s):
                output = await anext(outputs)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise DeadlineExceeded(
                "the deadline passed while the answer was being generated: allow more time or "
                "ask for fewer tokens"
            ) from None
        yield output


class _TokenWatch:
    """Counts and times the tokens of one request."""

    def __init__(self, ticket: Ticket, context: RequestContext) -> None:
        self._ticket = ticket
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._tokens = 0
        self._last_s: float | None = None

    def see(self, output: Any) -> None:
        """Take in one output of vLLM (``RequestOutput`` or a pooling output)."""
        choices = getattr(output, "outputs", None)
        if not isinstance(choices, list):
            return
        fresh = sum(len(choice.token_ids) for choice in choices)
        if not fresh:
            return
        now = self._loop.time()
        if self._last_s is None:
            self._first(output, now)
        else:
            INTER_TOKEN.observe((now - self._last_s) / fresh)
        self._last_s = now
        self._tokens += fresh
        self._ticket.progress(self._tokens)

    def _first(self, output: Any, now: float) -> None:
        first_s = now - self._context.arrived_s
        stats = getattr(output, "metrics", None)
        if output.finished and stats is not None and stats.num_generation_tokens > 1:
            first_s -= max(0.0, stats.last_token_ts - stats.first_token_ts)
        TTFT.labels(self._context.priority).observe(first_s)
