"""One request's outputs on their way from the engine, admitted, timed and bounded."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from http import HTTPStatus
from typing import Any

from vllm.exceptions import GracefulHTTPError

from pilotlight.errors import DeadlineExceeded, InvalidRequest, RequestError
from pilotlight.request_metrics import FollowedRequest
from pilotlight_predictor.admission.gate import AdmissionGate, Ticket
from pilotlight_predictor.metrics import INTER_TOKEN, REQUESTS, TTFT
from pilotlight_predictor.request import RequestContext, current_request

_WORST_FIRST = ("error", "repetition", "length", "abort", "stop")
_ENDS = {"abort": "cancelled"}


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
    first_token_s: Callable[[], float | None] | None = None,
) -> AsyncGenerator[Any, None]:
    """Put a request that is not yet with the engine behind admission.

    Args:
        gate: The admission.
        outputs: What the engine will say.
        prompt_tokens: Length of the prompt.
        max_output_tokens: Most tokens of a choice.
        sequences: Choices.
        first_token_s: When the first token was made, where ``outputs`` is one whole answer.

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
        if not isinstance(error, InvalidRequest):
            REQUESTS.arrive(prompt_tokens, context.arrived_s).end("refused", 0)
        raise EngineRefusal(error) from error
    followed = REQUESTS.arrive(prompt_tokens, context.arrived_s, first_token_s)
    # Its outputs may never be asked for, if the client leaves at once.
    context.on_end.append(lambda: followed.end("cancelled", 0))
    return _follow(ticket, _TokenWatch(ticket, context, followed, sequences), context, outputs)


async def _follow(
    ticket: Ticket,
    watch: "_TokenWatch",
    context: RequestContext,
    outputs: AsyncGenerator[Any, None],
) -> AsyncGenerator[Any, None]:
    try:
        await ticket.turn
        async for output in _until(outputs, context.deadline_s):
            watch.see(output)
            yield output
        ticket.complete()
        watch.end()
    except RequestError as error:
        watch.end("cancelled" if isinstance(error, DeadlineExceeded) else "error")
        raise EngineRefusal(context.fail(error)) from error
    except (asyncio.CancelledError, GeneratorExit):
        watch.end("cancelled")
        raise
    except Exception:
        watch.end("error")
        raise
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

    def __init__(
        self, ticket: Ticket, context: RequestContext, followed: FollowedRequest, sequences: int
    ) -> None:
        self._ticket = ticket
        self._context = context
        self._followed = followed
        self._sequences = sequences
        self._ends: set[str] = set()
        self._loop = asyncio.get_running_loop()
        self._tokens = 0
        self._last_s: float | None = None

    def see(self, output: Any) -> None:
        """Take in one output of vLLM (``RequestOutput`` or a pooling output)."""
        choices = getattr(output, "outputs", None)
        if not isinstance(choices, list):
            # A pooling model's answer is its first token and its last.
            self._followed.first_token(self._loop.time())
            self._ends.add("stop")
            return
        self._ends.update(choice.finish_reason for choice in choices if choice.finish_reason)
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

    def end(self, why: str | None = None) -> None:
        """The answer has ended; by default as its choices said."""
        # One that was stopped before it said anything has waited until now.
        if why is None and self._last_s is None:
            self._followed.first_token(self._loop.time())
        reason = why or next((end for end in _WORST_FIRST if end in self._ends), "error")
        tokens = self._tokens // max(1, self._sequences)
        self._followed.end(_ENDS.get(reason, reason), tokens, self._last_s)

    def _first(self, output: Any, now: float) -> None:
        first_s = now - self._context.arrived_s
        stats = getattr(output, "metrics", None)
        if output.finished and stats is not None and stats.num_generation_tokens > 1:
            first_s -= max(0.0, stats.last_token_ts - stats.first_token_ts)
        cached = getattr(output, "num_cached_tokens", None)
        if cached is not None:
            self._followed.cache(hit=cached > 0)
        self._followed.first_token(self._context.arrived_s + first_s)
        TTFT.labels(self._context.priority).observe(first_s)
