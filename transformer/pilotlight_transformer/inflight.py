"""Calls that have not ended, and the pipelines that they go through."""

import asyncio
import contextlib

from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.exchange import Exchange
from pilotlight_transformer.pipeline.pipeline import Pipeline
from pilotlight_transformer.pipeline.step import Outcome


class _Generation:
    """A pipeline with the number of its calls; closed after the last, once it is replaced."""

    __slots__ = ("calls", "pipeline", "replaced")

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.calls = 0
        self.replaced = False


class Running:
    """One call on its way."""

    __slots__ = ("call", "exchange", "generation", "outcome", "started", "task")

    def __init__(self, call: Call, generation: _Generation) -> None:
        self.call = call
        self.generation = generation
        self.exchange: Exchange | None = None
        self.task: asyncio.Task[None] | None = None
        self.outcome = Outcome()
        self.started = False

    @property
    def pipeline(self) -> Pipeline:
        """Whose steps it goes through, whatever replaces that meanwhile."""
        return self.generation.pipeline

    def client_left(self) -> None:
        """Nobody waits for the answer: end it, unless a step wants it."""
        if self.call.ended:
            return
        self.outcome.cancelled = True
        if self.exchange is not None and self.exchange.client_left():
            return
        self.cancel()

    def cancel(self) -> None:
        """End it at once; one that has its answer already comes to its steps' ends by itself."""
        if self.task is None or self.call.ended:
            return
        if self.started:
            self.task.cancel()
        else:
            # A task that is cancelled before its first step never gets to its ``finally``.
            asyncio.get_running_loop().call_soon(self.task.cancel)


class InFlight:
    """Counts calls, and closes a pipeline when its last one has ended."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._current = _Generation(pipeline)
        self._running: set[Running] = set()
        self._idle: asyncio.Future[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    @property
    def pipeline(self) -> Pipeline:
        """That new calls go through."""
        return self._current.pipeline

    def begin(self, call: Call) -> Running:
        """A call goes into the current pipeline."""
        running = Running(call, self._current)
        running.generation.calls += 1
        self._running.add(running)
        return running

    def end(self, running: Running) -> None:
        """It has ended."""
        self._running.discard(running)
        running.generation.calls -= 1
        self._close_if_over(running.generation)
        if not self._running and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def replace(self, pipeline: Pipeline) -> None:
        """New calls go through another pipeline; those on their way keep theirs."""
        old, self._current = self._current, _Generation(pipeline)
        old.replaced = True
        self._close_if_over(old)

    async def wait_idle(self, timeout_s: float) -> bool:
        """Wait for the last call's end; returns whether it came."""
        if self._running:
            self._idle = asyncio.get_running_loop().create_future()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._idle
        return not self._running

    def cancel(self) -> int:
        """End every call at once; returns how many."""
        running = list(self._running)
        for call in running:
            call.cancel()
        return len(running)

    async def close(self) -> None:
        """Close the pipelines; no call is left."""
        self._current.replaced = True
        self._close_if_over(self._current)
        while self._closing:
            await asyncio.wait(self._closing)

    def _close_if_over(self, generation: _Generation) -> None:
        if generation.replaced and not generation.calls:
            generation.replaced = False
            task = asyncio.get_running_loop().create_task(generation.pipeline.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
