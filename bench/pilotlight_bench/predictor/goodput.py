"""Goodput: answers that came in time."""

from collections.abc import Sequence
from dataclasses import dataclass

from pilotlight_bench.load.outcome import Answer, Outcome


@dataclass(frozen=True, slots=True)
class Goodput:
    """What became of the requests of an open loop.

    Args:
        good: Complete, and the first token within the limit.
        late: Complete, but the first token after the limit.
        failed: Refused or broken off.
        duration_s: How long requests arrived.
    """

    good: int
    late: int
    failed: int
    duration_s: float

    @property
    def per_s(self) -> float:
        """Good answers per second of arrivals."""
        return self.good / self.duration_s


def goodput(outcome: Outcome, duration_s: float, ttft_limit_s: float) -> Goodput:
    """Count an open loop's answers. A refused request is not retried: it counts as failed."""
    good = sum(is_good(answer, ttft_limit_s) for answer in outcome.answers)
    completed = len(outcome.completed)
    return Goodput(good, completed - good, len(outcome.answers) - completed, duration_s)


def is_good(answer: Answer, ttft_limit_s: float) -> bool:
    """Whether it ran to its end and its first token came in time."""
    return answer.ok and answer.ttft_s <= ttft_limit_s


def good_by_slice(outcome: Outcome, ttft_limit_s: float, slice_s: float = 10.0) -> Sequence[int]:
    """Good answers by time of arrival, in slices: whether goodput holds or falls."""
    slices = [0] * (1 + int(max((answer.at_s for answer in outcome.answers), default=0) / slice_s))
    for answer in outcome.answers:
        slices[int(answer.at_s / slice_s)] += is_good(answer, ttft_limit_s)
    return slices
