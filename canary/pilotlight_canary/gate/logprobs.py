"""How far apart two versions' probabilities are, where they can be compared."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pilotlight_canary.gate.answer import Position


@dataclass(frozen=True)
class Drift:
    """Absolute differences of log-probabilities, summed over tokens."""

    total: float = 0.0
    tokens: int = 0

    @property
    def mean(self) -> float | None:
        """Nats per token; ``None`` without tokens."""
        return self.total / self.tokens if self.tokens else None


def drift(stable: Sequence[Position], canary: Sequence[Position]) -> Drift:
    """The drift of one answer.

    Both versions see the same context only up to where their tokens first differ, so the
    comparison ends there. That place still counts, with stable's token: the canary's probability
    of it is among its alternatives, or less than the least of them, and then the difference is
    counted as the least that it can be.
    """
    total, tokens = 0.0, 0
    for ours, theirs in zip(stable, canary, strict=False):
        tokens += 1
        if ours.token != theirs.token:
            total += _at_the_fork(ours, theirs)
            break
        total += abs(ours.logprob - theirs.logprob)
    return Drift(total, tokens)


def together(drifts: Iterable[Drift]) -> Drift:
    """The drift of several answers, each token with the same weight."""
    known = list(drifts)
    return Drift(sum(each.total for each in known), sum(each.tokens for each in known))


def _at_the_fork(ours: Position, theirs: Position) -> float:
    if ours.token in theirs.alternatives:
        return abs(ours.logprob - theirs.alternatives[ours.token])
    return max(0.0, ours.logprob - min([theirs.logprob, *theirs.alternatives.values()]))
