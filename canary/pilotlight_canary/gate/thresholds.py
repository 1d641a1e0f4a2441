"""What a tally means against what a spec allows, in sentences with numbers."""

from collections.abc import Iterator
from dataclasses import dataclass

from pilotlight.api.gate import Comparison
from pilotlight_canary.gate.tally import Both, Tally

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Measure:
    """One thing that was measured."""

    name: str
    """The field of the spec that bounds it."""
    value: float
    limit: float | None
    """``None``: it is only told."""
    sentence: str

    @property
    def is_over(self) -> bool:
        return self.limit is not None and self.value > self.limit + _ROUNDING


def measures(tally: Tally, allowed: Comparison) -> tuple[Measure, ...]:
    """All that was measured, the canary's failures first."""
    return tuple(_measures(tally, allowed))


def stable_is_out(tally: Tally) -> str | None:
    """Why the replies say nothing of the canary, or ``None``: stable does not answer either."""
    if 2 * tally.stable_answered >= tally.asked > 0:
        return None
    return f"stable answered only {tally.stable_answered} of {tally.asked} requests"


def doubt(tally: Tally, allowed: Comparison) -> str | None:
    """Why a canary without fault cannot pass yet, or ``None``."""
    if tally.asked < tally.prompts:
        return f"only {tally.asked} of {tally.prompts} prompts were done in time"
    if tally.judged < tally.compared:
        return f"only {tally.judged} of {tally.compared} pairs of answers could be compared"
    if allowed.max_logprob_drift is not None and tally.compared and not tally.drift.tokens:
        return "maxLogprobDrift is set, and no answer carried log-probabilities of both versions"
    return None


def _measures(tally: Tally, allowed: Comparison) -> Iterator[Measure]:
    yield Measure(
        "maxFailedIncrease",
        tally.failed_share,
        allowed.max_failed_increase,
        f"{tally.canary_failed} of {tally.stable_answered} requests that stable answered failed"
        + (f" ({', '.join(tally.failures)})" if tally.failures else ""),
    )
    if not tally.compared:
        return
    yield _different(tally, allowed)
    yield from _drift(tally, allowed)
    yield _length(tally, allowed)
    among = tally.compared
    for name, what, both, limit, of in (
        ("maxRefusalIncrease", "refusals", tally.refusals, allowed.max_refusal_increase, among),
        ("maxEmptyIncrease", "empty answers", tally.empties, allowed.max_empty_increase, among),
        (
            "maxInvalidIncrease",
            "invalid JSON or tool calls",
            tally.invalid,
            allowed.max_invalid_increase,
            tally.structured,
        ),
    ):
        if of:
            yield _increase(name, what, both, limit, of)


def _different(tally: Tally, allowed: Comparison) -> Measure:
    beyond = tally.different_share - tally.control_share
    own = f"; stable from itself: {tally.control_different} of {tally.controlled}"
    return Measure(
        "maxDifferent",
        beyond,
        allowed.max_different,
        f"{tally.different} of {tally.judged} answers differ ({allowed.comparison})"
        + (own if tally.controlled else ""),
    )


def _drift(tally: Tally, allowed: Comparison) -> Iterator[Measure]:
    mean = tally.drift.mean
    if mean is not None:
        sentence = f"log-probabilities drift by {mean:.4f} nats over {tally.drift.tokens} tokens"
        yield Measure("maxLogprobDrift", mean, allowed.max_logprob_drift, sentence)


def _length(tally: Tally, allowed: Comparison) -> Measure:
    before, now = (n / tally.compared for n in (tally.tokens.stable, tally.tokens.canary))
    return Measure(
        "maxLengthChange",
        abs(tally.length_change),
        allowed.max_length_change,
        f"mean output length went from {before:.1f} to {now:.1f} tokens",
    )


def _increase(name: str, what: str, both: Both, limit: float, among: int) -> Measure:
    sentence = f"{what}: {both.canary} of {among}, stable {both.stable}"
    return Measure(name, both.increase(among), limit, sentence)
