"""The admission queue at work: futures for those who wait, metrics for those who watch."""

import asyncio
import itertools
from dataclasses import dataclass, field
from functools import partial

from pilotlight.clock import Clock
from pilotlight.errors import DeadlineExceeded, InvalidRequest, Overloaded, RequestError
from pilotlight_predictor.admission.capacity import EngineObservation
from pilotlight_predictor.admission.decision import Decision, Reason
from pilotlight_predictor.admission.queue import AdmissionQueue
from pilotlight_predictor.admission.work import Priority, Work
from pilotlight_predictor.metrics import (
    ADMISSIONS,
    EXPECTED_WAIT,
    QUEUE_REQUESTS,
    QUEUE_TOKENS,
    QUEUE_WAIT,
    RESERVED_TOKENS,
    RUNNING_REQUESTS,
)
from pilotlight_predictor.probe import EngineProbe
from pilotlight_predictor.request import RequestContext

TICK_S = 0.25
"""Longest time after which an expired deadline or a relieved KV cache is noticed."""


@dataclass(eq=False, slots=True)
class Ticket:
    """A place in the queue, then in the engine. Give it back with ``release``."""

    gate: "AdmissionGate"
    work: Work
    turn: asyncio.Future[None] = field(repr=False)
    completed: bool = False
    released: bool = False

    def progress(self, output_tokens: int) -> None:
        """Tell how many tokens have been generated so far, all choices together."""
        self.gate.progress(self, output_tokens)

    def complete(self) -> None:
        """The answer came to its own end: its length may be learned from."""
        self.completed = True

    def release(self) -> None:
        """Leave the queue or the engine. Idempotent."""
        if not self.released:
            self.released = True
            self.gate.release(self)


class AdmissionGate:
    """Lets requests into the engine in the policy's order."""

    def __init__(self, queue: AdmissionQueue, probe: EngineProbe, clock: Clock) -> None:
        self._queue = queue
        self._probe = probe
        self._clock = clock
        self._ids = itertools.count(1)
        self._waiting: dict[int, Ticket] = {}
        self._running: set[int] = set()
        probe.on_prefill = self._prefilled
        self._show()

    @property
    def running(self) -> int:
        """Requests inside the engine."""
        return len(self._running)

    def submit(
        self,
        context: RequestContext,
        *,
        prompt_tokens: int,
        max_output_tokens: int,
        sequences: int,
    ) -> Ticket:
        """Queue a request, or refuse it.

        Raises:
            Overloaded: Too much waits already.
            DeadlineExceeded: Its turn would come after its deadline.
            InvalidRequest: It can never fit into the KV cache.
        """
        now = self._clock.monotonic()
        work = Work(
            id=next(self._ids),
            tenant=context.tenant,
            priority=context.priority,
            prompt_tokens=prompt_tokens,
            max_output_tokens=max_output_tokens,
            sequences=sequences,
            arrived_s=now,
            deadline_s=context.deadline_s,
        )
        decision = self._queue.offer(work, now)
        name = "accepted" if decision.reason is None else decision.reason.value
        ADMISSIONS.labels(name, work.priority).inc()
        if decision.reason is not None:
            raise context.fail(_refusal(decision))
        ticket = Ticket(self, work, asyncio.get_running_loop().create_future())
        self._waiting[work.id] = ticket
        context.on_end.append(ticket.release)
        self._pump(now)
        return ticket

    def progress(self, ticket: Ticket, output_tokens: int) -> None:
        """Charge a running request for its output so far."""
        if ticket.work.id in self._running:
            self._queue.progress(ticket.work.id, output_tokens, self._clock.monotonic())

    def release(self, ticket: Ticket) -> None:
        """Take a request out, wherever it is."""
        now = self._clock.monotonic()
        if self._waiting.pop(ticket.work.id, None) is not None:
            self._queue.cancel(ticket.work.id, now)
            ticket.turn.cancel()
        elif ticket.work.id in self._running:
            self._running.discard(ticket.work.id)
            leave = self._queue.finish if ticket.completed else self._queue.cancel
            leave(ticket.work.id, now)
        self._pump(now)

    def _prefilled(self, tokens: int) -> None:
        now = self._clock.monotonic()
        self._queue.prefilled(tokens, now)
        self._pump(now)

    async def run(self) -> None:
        """Notice deadlines and a relieved KV cache while nothing else happens."""
        while True:
            await asyncio.sleep(TICK_S)
            if self._waiting:
                self._pump(self._clock.monotonic())

    def _pump(self, now: float) -> None:
        for work in self._queue.expire(now):
            self._expire(work, now)
        for work in self._queue.dispatch(EngineObservation(self._probe.kv_usage), now):
            ticket = self._waiting.pop(work.id)
            self._running.add(work.id)
            QUEUE_WAIT.labels(work.priority).observe(now - work.arrived_s)
            if not ticket.turn.done():
                ticket.turn.set_result(None)

    def _expire(self, work: Work, now: float) -> None:
        ticket = self._waiting.pop(work.id)
        ticket.released = True
        ADMISSIONS.labels("expired", work.priority).inc()
        if not ticket.turn.done():
            ticket.turn.set_exception(
                DeadlineExceeded(
                    f"the deadline passed after {now - work.arrived_s:.1f} s in the queue: allow "
                    "more time, or retry when the server is less busy"
                )
            )

    def _show(self) -> None:
        queue = self._queue
        for priority in Priority:
            requests, tokens = QUEUE_REQUESTS.labels(priority), QUEUE_TOKENS.labels(priority)
            requests.set_function(partial(queue.queued_requests, priority))
            tokens.set_function(partial(queue.queued_tokens, priority))
        RUNNING_REQUESTS.set_function(lambda: self.running)
        RESERVED_TOKENS.set_function(lambda: queue.reserved_tokens)
        EXPECTED_WAIT.set_function(lambda: queue.expected_wait_s(self._clock.monotonic()))


def _refusal(decision: Decision) -> RequestError:
    retry = decision.retry_after_s
    retry_after_s = None if retry is None else float(retry)
    if decision.reason is Reason.TOO_LARGE:
        return InvalidRequest(decision.message)
    if decision.reason is Reason.DEADLINE:
        return DeadlineExceeded(decision.message, retry_after_s=retry_after_s)
    return Overloaded(decision.message, retry_after_s=retry_after_s)
