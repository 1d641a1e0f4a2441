"""Whatever happens in whatever order: nothing is lost, nothing exceeds its bound."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pilotlight_predictor.admission.capacity import EngineObservation, Limits
from pilotlight_predictor.admission.queue import AdmissionQueue
from pilotlight_predictor.admission.work import Priority, Work

LIMITS = Limits(kv_tokens=500, max_running=6, max_queue_tokens=2000, max_queue_wait_s=20.0)


class QueueInUse(RuleBasedStateMachine):
    """A model of who waits and who runs, beside the queue."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = AdmissionQueue(LIMITS)
        self.now = 0.0
        self.ids = 0
        self.waiting: dict[int, Work] = {}
        self.running: dict[int, tuple[Work, int]] = {}

    @rule(
        tenant=st.sampled_from("abcd"),
        priority=st.sampled_from(Priority),
        prompt=st.integers(0, 520),
        output=st.integers(0, 300),
        sequences=st.integers(1, 8),
        patience=st.none() | st.floats(-1, 30),
    )
    def offer(
        self,
        tenant: str,
        priority: Priority,
        prompt: int,
        output: int,
        sequences: int,
        patience: float | None,
    ) -> None:
        self.ids += 1
        deadline = None if patience is None else self.now + patience
        new = Work(self.ids, tenant, priority, prompt, output, sequences, self.now, deadline)
        if self.queue.offer(new, self.now).accepted:
            assert prompt < LIMITS.kv_tokens
            self.waiting[new.id] = new

    @rule(usage=st.sampled_from([0.0, 0.5, 0.95, 1.0]))
    def dispatch(self, usage: float) -> None:
        before = self.queue.reserved_tokens, bool(self.running)
        started = self.queue.dispatch(EngineObservation(usage), self.now)
        for work in started:
            self.running[work.id] = self.waiting.pop(work.id), 0
        if started:
            assert self.queue.running <= LIMITS.max_running
            assert self.queue.reserved_tokens <= LIMITS.kv_tokens
        elif usage < LIMITS.kv_full:
            assert before[0] == self.queue.reserved_tokens
        if usage >= LIMITS.kv_full and before[1]:
            assert not started
        # An idle engine never waits for work that waits for it.
        assert self.running or not self.waiting

    @rule(seconds=st.floats(0.0, 10.0))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        expired = self.queue.expire(self.now)
        for work in expired:
            del self.waiting[work.id]
            assert work.deadline_s is not None
            assert work.deadline_s <= self.now
        assert all(w.deadline_s is None or w.deadline_s > self.now for w in self.waiting.values())

    @precondition(lambda self: self.waiting or self.running)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        leaving = data.draw(st.sampled_from([*self.waiting, *self.running]))
        assert self.queue.cancel(leaving, self.now)
        self.waiting.pop(leaving, None)
        self.running.pop(leaving, None)
        assert not self.queue.cancel(leaving, self.now)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), tokens=st.integers(0, 200))
    def progress(self, data: st.DataObject, tokens: int) -> None:
        moving = data.draw(st.sampled_from([*self.running]))
        work, before = self.running[moving]
        most = work.max_output_tokens * work.sequences
        after = min(most, before + tokens)
        self.running[moving] = work, after
        self.queue.progress(moving, after, self.now)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        ended = data.draw(st.sampled_from([*self.running]))
        del self.running[ended]
        self.queue.finish(ended, self.now)
        self.queue.finish(ended, self.now)

    @invariant()
    def the_figures_are_true(self) -> None:
        for priority in Priority:
            waiting = [w for w in self.waiting.values() if w.priority is priority]
            assert self.queue.queued_requests(priority) == len(waiting)
            assert self.queue.queued_tokens(priority) >= sum(w.prompt_tokens for w in waiting)
        assert self.queue.running == sum(min(6, w.sequences) for w, _ in self.running.values())
        held = sum(min(500, work.prompt_tokens + out) for work, out in self.running.values())
        assert self.queue.reserved_tokens >= held

    @invariant()
    def the_queue_keeps_its_bound(self) -> None:
        assert sum(self.queue.queued_tokens(p) for p in Priority) <= LIMITS.max_queue_tokens

    def teardown(self) -> None:
        """Serve to the end: everything that was accepted leaves, and nothing remains."""
        self.pass_time(0.0)
        while self.waiting or self.running:
            self.dispatch(0.0)
            for ended in list(self.running):
                del self.running[ended]
                self.queue.finish(ended, self.now)
        assert self.queue.reserved_tokens == 0
        assert self.queue.running == 0
        assert all(self.queue.queued_tokens(p) == 0 for p in Priority)
        assert self.queue.expected_wait_s(self.now) == 0
        assert self.queue.expected_wait_s(self.now, Priority.BATCH) == 0


def test_every_accepted_work_leaves_once_and_no_bound_is_exceeded() -> None:
    run_state_machine_as_test(
        QueueInUse, settings=settings(max_examples=150, stateful_step_count=60, deadline=None)
    )
