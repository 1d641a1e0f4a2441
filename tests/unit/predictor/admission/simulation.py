"""A continuously batching engine on simulated time, and the order that most servers have."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from pilotlight_predictor.admission.capacity import EngineObservation, Limits
from pilotlight_predictor.admission.decision import Decision
from pilotlight_predictor.admission.work import Priority, Work

STEP_S = 0.05
PREFILL_TOKENS_PER_STEP = 512


class Policy(Protocol):
    """What stands before the engine."""

    limits: Limits

    def offer(self, work: Work, now: float) -> Decision: ...

    def dispatch(self, observation: EngineObservation, now: float) -> list[Work]: ...

    def progress(self, work_id: int, output_tokens: int, now: float) -> None: ...

    def finish(self, work_id: int, now: float) -> None: ...


class FirstComeFirstServed:
    """The baseline: one unbounded queue, with the same capacity and true reservations."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._queue: deque[Work] = deque()
        self._running: dict[int, int] = {}

    def offer(self, work: Work, now: float) -> Decision:
        self._queue.append(work)
        return Decision(0.0)

    def dispatch(self, observation: EngineObservation, now: float) -> list[Work]:
        started = []
        while self._queue and self._fits(self._queue[0]):
            work = self._queue.popleft()
            self._running[work.id] = work.prompt_tokens + work.max_output_tokens
            started.append(work)
        return started

    def progress(self, work_id: int, output_tokens: int, now: float) -> None:
        pass

    def finish(self, work_id: int, now: float) -> None:
        del self._running[work_id]

    def _fits(self, work: Work) -> bool:
        tokens = sum(self._running.values()) + work.prompt_tokens + work.max_output_tokens
        return len(self._running) < self.limits.max_running and tokens <= self.limits.kv_tokens


@dataclass
class Generation:
    """One work inside the engine."""

    work: Work
    true_output: int
    prefill_left: int
    output: int = 0

    @property
    def held_tokens(self) -> int:
        return self.work.prompt_tokens + self.output


@dataclass
class Simulation:
    """Feeds arrivals to a policy and its choices to an engine, step by step.

    Each step processes up to ``PREFILL_TOKENS_PER_STEP`` prompt tokens in order, and one output
    token of each generation whose prompt is done. A full cache stops the youngest ones, as
    vLLM's pre-emption does.
    """

    policy: Policy
    arrivals: Iterable[tuple[Work, int]]
    now: float = 0.0
    started_s: dict[int, float] = field(default_factory=dict)
    accepted: dict[int, tuple[Work, Decision]] = field(default_factory=dict)
    rejected: list[tuple[Work, Decision]] = field(default_factory=list)
    service: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    running: dict[int, Generation] = field(default_factory=dict)
    _outputs: dict[int, int] = field(default_factory=dict)

    def run(self, until_s: float) -> Iterator[float]:
        """Yield the time after every step."""
        arrivals = iter(self.arrivals)
        upcoming = next(arrivals, None)
        while self.now < until_s:
            while upcoming is not None and upcoming[0].arrived_s <= self.now:
                self._arrive(*upcoming)
                upcoming = next(arrivals, None)
            self._dispatch()
            self.now += STEP_S
            self._step()
            yield self.now

    def waits(self, tenant: str | None = None) -> list[float]:
        """Seconds in the queue of all works that started."""
        return [
            self.started_s[work.id] - work.arrived_s
            for work, _ in self.accepted.values()
            if work.id in self.started_s and tenant in (None, work.tenant)
        ]

    def _arrive(self, work: Work, true_output: int) -> None:
        decision = self.policy.offer(work, self.now)
        if decision.accepted:
            self.accepted[work.id] = work, decision
            self._outputs[work.id] = true_output
        else:
            self.rejected.append((work, decision))

    def _dispatch(self) -> None:
        held = sum(generation.held_tokens for generation in self.running.values())
        observation = EngineObservation(held / self.policy.limits.kv_tokens)
        for work in self.policy.dispatch(observation, self.now):
            assert work.id not in self.started_s
            self.started_s[work.id] = self.now
            self.service[work.tenant] += self.policy.limits.cost(work.prompt_tokens, 0)
            output = self._outputs.pop(work.id)
            self.running[work.id] = Generation(work, output, work.prompt_tokens)
        assert len(self.running) <= self.policy.limits.max_running

    def _step(self) -> None:
        prefill, room = PREFILL_TOKENS_PER_STEP, self.policy.limits.kv_tokens
        for generation in list(self.running.values()):
            room -= generation.held_tokens + 1
            if room < 0:
                break
            done = min(prefill, generation.prefill_left)
            prefill -= done
            generation.prefill_left -= done
            if generation.prefill_left == 0:
                self._generate(generation)

    def _generate(self, generation: Generation) -> None:
        work = generation.work
        generation.output += 1
        self.service[work.tenant] += self.policy.limits.cost(0, 1)
        self.policy.progress(work.id, generation.output, self.now)
        if generation.output >= generation.true_output:
            del self.running[work.id]
            self.policy.finish(work.id, self.now)


_ids = count(1)


def work(
    tenant: str = "a",
    *,
    prompt: int = 100,
    output: int = 50,
    priority: Priority = Priority.INTERACTIVE,
    sequences: int = 1,
    at: float = 0.0,
    deadline: float | None = None,
) -> Work:
    """A work with an id of its own."""
    return Work(next(_ids), tenant, priority, prompt, output, sequences, at, deadline)
