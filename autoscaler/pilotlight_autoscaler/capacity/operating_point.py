"""The most that one replica may have in flight."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pilotlight_autoscaler.capacity.level import Level
from pilotlight_autoscaler.capacity.traffic import Limits


@dataclass(frozen=True)
class OperatingPoint:
    """Where a replica is run.

    Args:
        level: What it does there.
        bound: What forbids more, in words.
        note: What the reader must know of it, if anything.
    """

    level: Level
    bound: str
    note: str | None = None

    @property
    def slots(self) -> int:
        """Requests at a time."""
        return int(self.level.concurrency)


def largest(
    levels: Sequence[Level], limits: Limits, caps: Sequence[tuple[float, str]]
) -> OperatingPoint | None:
    """The largest whole concurrency that keeps every limit; ``None``: none that was measured.

    Between measured points everything is a straight line; nothing is said beyond the last one.

    Args:
        levels: By rising concurrency.
        limits: What must be kept.
        caps: Other bounds on the concurrency, each with its name.
    """
    first, last = levels[0], levels[-1]
    if first.excess(limits) > 1:
        return None
    cap, cap_name = min(caps, default=(float("inf"), ""))
    if cap < 1 or cap < first.concurrency:
        return None
    reached = _crossing(levels, limits)
    concurrency = min(reached.concurrency, cap)
    whole = max(float(int(concurrency + 1e-9)), first.concurrency)
    level = at(levels, whole)
    if cap < reached.concurrency:
        return OperatingPoint(level, cap_name)
    if reached is last and last.excess(limits) <= 1:
        return OperatingPoint(
            level,
            "nothing more was measured",
            f"at {last.concurrency:,.0f} at a time every limit still holds: measure more, "
            "a replica may do better",
        )
    return OperatingPoint(level, _binding(level, limits))


def at(levels: Sequence[Level], concurrency: float) -> Level:
    """Between the measured levels around it.

    Raises:
        ValueError: Outside of what was measured.
    """
    if not levels[0].concurrency <= concurrency <= levels[-1].concurrency:
        raise ValueError(f"a concurrency of {concurrency:g} was not measured")
    for low, high in pairwise(levels):
        if concurrency <= high.concurrency:
            return _between(low, high, concurrency)
    return levels[-1]


def closest(levels: Sequence[Level], limits: Limits) -> Level:
    """The measured level that misses the limits by least."""
    return min(levels, key=lambda level: level.excess(limits))


def _crossing(levels: Sequence[Level], limits: Limits) -> Level:
    """The last level that keeps all limits; times never fall, so that it is the only crossing."""
    low = levels[0]
    for high in levels[1:]:
        if high.excess(limits) > 1:
            share = _share(low, high, limits)
            return _between(low, high, low.concurrency + share * _width(low, high))
        low = high
    return low


def _share(low: Level, high: Level, limits: Limits) -> float:
    """How far from one level to the next the first limit is met."""
    pairs = (
        (low.ttft_s, high.ttft_s, limits.ttft_s),
        (low.e2e_s, high.e2e_s, limits.e2e_s),
        (low.tpot_s, high.tpot_s, limits.tpot_s),
    )
    return min(
        (limit - before) / (after - before)
        for before, after, limit in pairs
        if limit is not None and after > limit
    )


def _width(low: Level, high: Level) -> float:
    return high.concurrency - low.concurrency


def _between(low: Level, high: Level, concurrency: float) -> Level:
    share = (concurrency - low.concurrency) / _width(low, high)

    def line(before: float, after: float) -> float:
        return before + share * (after - before)

    return Level(
        concurrency,
        line(low.requests_per_s, high.requests_per_s),
        line(low.ttft_s, high.ttft_s),
        line(low.tpot_s, high.tpot_s),
        line(low.e2e_s, high.e2e_s),
    )


def _binding(level: Level, limits: Limits) -> str:
    named = (
        ("TTFT", level.ttft_s, limits.ttft_s),
        ("end to end", level.e2e_s, limits.e2e_s),
        ("TPOT", level.tpot_s, limits.tpot_s),
    )
    ratios = [(time / limit, name) for name, time, limit in named if limit is not None]
    return f"{max(ratios)[1]} P99"
