"""The queue in front of the engine."""

from collections.abc import Iterator

from pilotlight_predictor.admission.backlog import Backlog
from pilotlight_predictor.admission.capacity import Capacity, EngineObservation, Limits
from pilotlight_predictor.admission.decision import Decision
from pilotlight_predictor.admission.heap import Heap
from pilotlight_predictor.admission.judge import Judge
from pilotlight_predictor.admission.order import Order
from pilotlight_predictor.admission.output_length import OutputLength
from pilotlight_predictor.admission.prefill import Prefill
from pilotlight_predictor.admission.rate import Load, ServiceRate
from pilotlight_predictor.admission.request import Request
from pilotlight_predictor.admission.work import Priority, Work

# Times its own service time that a request yields to shorter ones of its tenant: a bound on the
# stretch, as in Bender, Chakrabarti and Muthukrishnan (SODA 1998).
STRETCH = 10.0


class AdmissionQueue:
    """Admission, order and accounting of requests. All times are monotonic seconds.

    An accepted work leaves the queue exactly once, by ``dispatch``, ``expire`` or ``cancel``;
    a dispatched one runs until ``finish`` or ``cancel``. Call ``expire`` before ``dispatch``,
    and ``dispatch`` after whatever may have made room or brought work. Each operation takes
    O(log n) for each work that moves.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._backlogs = {priority: Backlog(limits) for priority in Priority}
        self._waiting: dict[int, Request] = {}
        self._running: dict[int, Request] = {}
        self._deadlines: Heap[Request] = Heap()
        self._capacity = Capacity(limits)
        self._output = OutputLength()
        self._rate = ServiceRate()
        self._prefill = Prefill(limits.max_prefill_tokens)
        self._order = Order(limits, self._backlogs, self._capacity, self._prefill)
        self._judge = Judge(limits, self._backlogs, self._prefill, self._order, self._rate)

    def seed_rate(self, weighted_tokens_per_s: float) -> None:
        """Start from a known service rate: that of the *full* engine, not of one stream.

        Raises:
            ValueError: The rate is not above 0.
        """
        self._rate.seed(weighted_tokens_per_s)
        self._prefill.seed(weighted_tokens_per_s)

    def offer(self, work: Work, now: float) -> Decision:
        """Let a work wait, or turn it away.

        Raises:
            ValueError: A work with this id waits or runs already.
        """
        if work.id in self._waiting or work.id in self._running:
            raise ValueError(f"work {work.id} waits or runs already: give each its own id")
        request = self._request(work)
        verdict = self._judge.decide(request, now)
        if verdict.accepted:
            self._backlogs[work.priority].add(request, self._key(request))
            self._waiting[work.id] = request
            if work.deadline_s is not None:
                self._deadlines.push(request, work.deadline_s)
        self._advance(now)
        return verdict

    def dispatch(self, observation: EngineObservation, now: float) -> list[Work]:
        """Take all works that can start now, in their order."""
        self._capacity.kv_usage = observation.kv_usage
        started = [request.work for request in self._starts()]
        self._advance(now)
        return started

    def expire(self, now: float) -> list[Work]:
        """Take out the waiting works whose deadline has passed."""
        expired = []
        while (top := self._deadlines.first()) is not None and top[0] <= now:
            self._drop(top[1])
            expired.append(top[1].work)
        self._advance(now)
        return expired

    def cancel(self, work_id: int, now: float) -> bool:
        """Nobody wants the answer any more: free what the work holds.

        Returns:
            Whether it waited or ran.
        """
        waiting, running = self._waiting.get(work_id), self._running.get(work_id)
        if waiting is not None:
            self._drop(waiting)
        if running is not None:
            self._end(running)
        self._advance(now)
        return waiting is not None or running is not None

    def prefilled(self, tokens: int, now: float) -> None:
        """The engine's last step completed prompts of so many tokens."""
        for work_id in self._prefill.processed(tokens):
            self._judge.learn(self._running[work_id], now)
        self._advance(now)

    def progress(self, work_id: int, output_tokens: int, now: float) -> None:
        """A running work has generated ``output_tokens`` so far, over all its choices."""
        request = self._running.get(work_id)
        if request is not None:
            self._serve_prompt(request)
            new = max(0, output_tokens - request.output_tokens)
            self._backlogs[request.work.priority].generate(request, new)
            self._rate.serve(self.limits.cost(0, new))
            self._grow(request)
        self._advance(now)

    def finish(self, work_id: int, now: float) -> None:
        """A running work's answer is complete: free what it holds and learn its length."""
        request = self._running.get(work_id)
        if request is not None:
            self._serve_prompt(request)
            self._output.learn(request.work, request.output_tokens)
            self._end(request)
        self._advance(now)

    def expected_wait_s(self, now: float, priority: Priority = Priority.INTERACTIVE) -> float:
        """Seconds until all that waits in a class now is expected to have started."""
        return self._judge.wait_s(priority, self._backlogs[priority].cost, now)

    def queued_requests(self, priority: Priority) -> int:
        """Requests of a class that wait."""
        return len(self._backlogs[priority])

    def queued_tokens(self, priority: Priority) -> int:
        """Tokens that wait in a class: prompts and expected outputs."""
        return self._backlogs[priority].tokens

    @property
    def running(self) -> int:
        """Sequences that run, each choice of a request counted."""
        return self._capacity.sequences

    @property
    def reserved_tokens(self) -> int:
        """Tokens of the KV cache that the running requests are expected to need."""
        return self._capacity.reserved_tokens

    @property
    def service_rate(self) -> float | None:
        """Weighted tokens per second that the full engine serves; None while unknown."""
        return self._rate.value

    @property
    def known_tenants(self) -> int:
        """Tenants whose counters are kept, over both classes."""
        return sum(len(backlog.counters) for backlog in self._backlogs.values())

    def _request(self, work: Work) -> Request:
        output = self._output.expected(work)
        return Request(
            work,
            expected_output=output,
            # What can only run alone, or whose choices only fit in turns, may still run.
            tokens=min(work.prompt_tokens + output, self.limits.kv_tokens),
            sequences=min(work.sequences, self.limits.max_running),
            cost=self.limits.cost(work.prompt_tokens, output),
        )

    def _key(self, request: Request) -> float:
        yields_s = self.limits.max_overtaken_s
        if self._rate.value:
            yields_s = min(yields_s, STRETCH * request.cost / self._rate.value)
        return request.work.arrived_s + yields_s

    def _starts(self) -> Iterator[Request]:
        while (request := self._order.next()) is not None:
            self._start(request)
            yield request

    def _start(self, request: Request) -> None:
        self._forget_waiting(request)
        self._running[request.work.id] = request
        self._backlogs[request.work.priority].start(request)
        self._capacity.take(request.sequences, request.tokens)
        self._prefill.start(request)
        self._order.started(request)

    def _drop(self, request: Request) -> None:
        self._forget_waiting(request)
        self._backlogs[request.work.priority].drop(request)
        self._order.left(request)

    def _forget_waiting(self, request: Request) -> None:
        del self._waiting[request.work.id]
        self._deadlines.discard(request)

    def _end(self, request: Request) -> None:
        del self._running[request.work.id]
        self._backlogs[request.work.priority].end(request)
        self._capacity.give_back(request.sequences, request.tokens)
        self._prefill.leave(request)

    def _serve_prompt(self, request: Request) -> None:
        if not request.prompt_served:
            request.prompt_served = True
            self._rate.serve(self.limits.cost(request.work.prompt_tokens, 0))

    def _grow(self, request: Request) -> None:
        needed = min(request.work.prompt_tokens + request.output_tokens, self.limits.kv_tokens)
        if needed > request.tokens:
            self._capacity.grow(needed - request.tokens)
            request.tokens = needed

    def _advance(self, now: float) -> None:
        load = Load.SATURATED if self._waiting else Load.BUSY if self._running else Load.IDLE
        self._rate.advance(now, load)
        self._prefill.advance(now, others_wait=bool(self._waiting))
