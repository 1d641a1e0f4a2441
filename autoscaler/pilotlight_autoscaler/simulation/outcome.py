"""What a policy came to: who waited, and what stood ready."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.simulation.load import Ints


@dataclass(frozen=True)
class Course:
    """A count over time, that changes in steps.

    Args:
        times: Of the changes, in order; shape (changes,).
        counts: From each on; shape (changes,).
    """

    times: Floats
    counts: Ints

    def at(self, times: Floats) -> Ints:
        """The count at moments; 0 before the first change."""
        index = np.searchsorted(self.times, times, side="right") - 1
        found: Ints = np.where(index < 0, 0, self.counts[np.maximum(index, 0)])
        return found if len(self.times) else np.zeros(len(times), dtype=np.int64)

    def integral(self, times: Floats) -> Floats:
        """Count times seconds since the first change, until each moment."""
        if not len(self.times):
            return np.zeros(len(times))
        steps = np.concatenate([[0.0], np.cumsum(np.diff(self.times) * self.counts[:-1])])
        index = np.maximum(np.searchsorted(self.times, times, side="right") - 1, 0)
        since = np.maximum(times - self.times[index], 0.0)
        return np.asarray(steps[index] + since * self.counts[index])


def course_of(rises: Floats, falls: Floats) -> Course:
    """How many intervals are open, from their beginnings and ends."""
    times = np.concatenate([rises, falls])
    steps = np.concatenate([np.ones(len(rises), np.int64), -np.ones(len(falls), np.int64)])
    order = np.argsort(times, kind="stable")
    return Course(times[order], np.cumsum(steps[order]))


@dataclass(frozen=True)
class Replicas:
    """When each replica was asked for, ready, stopped and gone; shape (replicas,).

    One that was stopped before it was ready has ``ready_s`` after ``stopped_s``.
    """

    asked_s: Floats
    ready_s: Floats
    stopped_s: Floats
    gone_s: Floats

    @cached_property
    def starting(self) -> Course:
        """On their way up."""
        return course_of(self.asked_s, np.minimum(self.ready_s, self.stopped_s))

    @cached_property
    def ready(self) -> Course:
        """Answering."""
        served = self.ready_s < self.stopped_s
        return course_of(self.ready_s[served], self.stopped_s[served])

    @cached_property
    def draining(self) -> Course:
        """Told to go."""
        served = self.gone_s > self.stopped_s
        return course_of(self.stopped_s[served], self.gone_s[served])


@dataclass(frozen=True)
class Outcome:
    """One service under one policy, from ``start_s`` to ``end_s``.

    Args:
        start_s: In seconds since the epoch, like all times.
        end_s: Nothing later is counted.
        requests: All that came.
        affected_s: When those came that waited because no replica was ready; (affected,).
        waits_s: For how long each did; shape (affected,).
        counts: Requests that each of these stands for; shape (affected,).
        queued_s: How long those waited that found replicas ready, and none free; (queued,).
        wakes: Times that requests found the service asleep.
        replicas: Their lives.
        desired: What Knative's autoscaler wanted, before the floor.
        floor: What the policy wanted.
        gap_start_s: Where the service fell idle; shape (gaps,).
        gap_end_s: Where the next request came, or the end; shape (gaps,).
    """

    start_s: float
    end_s: float
    requests: int
    affected_s: Floats
    waits_s: Floats
    counts: Floats
    queued_s: Floats
    wakes: int
    replicas: Replicas
    desired: Course
    floor: Course
    gap_start_s: Floats
    gap_end_s: Floats

    @property
    def affected(self) -> int:
        """Requests that waited because no replica was ready."""
        return round(float(self.counts.sum()))

    @property
    def affected_share(self) -> float:
        """Of all requests; 0 if there were none."""
        return self.affected / self.requests if self.requests else 0.0

    def wait_s(self, quantile: float) -> float:
        """Of those affected; 0 if there are none."""
        if not self.affected:
            return 0.0
        order = np.argsort(self.waits_s)
        below = np.cumsum(self.counts[order])
        index = int(np.searchsorted(below, quantile * below[-1]))
        return float(self.waits_s[order[min(index, len(order) - 1)]])

    @property
    def starting_s(self) -> float:
        """Replica-seconds of starts."""
        return self._over(self.replicas.starting)

    @property
    def ready_s(self) -> float:
        """Replica-seconds that answered, or could have."""
        return self._over(self.replicas.ready)

    @property
    def draining_s(self) -> float:
        """Replica-seconds after a stop."""
        return self._over(self.replicas.draining)

    @property
    def replica_s(self) -> float:
        """All that is paid for."""
        return self.starting_s + self.ready_s + self.draining_s

    def idle_s(self, beyond_s: float = 0.0) -> float:
        """Replica-seconds, starting or ready, while nobody asked.

        Args:
            beyond_s: The first seconds of each gap do not count.
        """
        start = self.gap_start_s + beyond_s
        long = start < self.gap_end_s
        return sum(
            float(np.sum(course.integral(self.gap_end_s[long]) - course.integral(start[long])))
            for course in (self.replicas.starting, self.replicas.ready)
        )

    def _over(self, course: Course) -> float:
        first, last = course.integral(np.array([self.start_s, self.end_s]))
        return float(last - first)
