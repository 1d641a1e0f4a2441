"""The token bucket, as pure arithmetic.

A bucket holds at most ``burst`` and fills at ``rate`` a second; a request passes if what it takes
is there (RFC 2697, section 3, with one rate and one colour). Over any time ``t`` at most
``burst + rate * t`` pass: the bucket is Cruz' regulator with sigma = burst and rho = rate ("A
calculus for network delay, part I", 1991, section II). A settlement may take more than is there:
the level is then below zero, and nothing passes before the debt is paid.
"""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Limit:
    """How fast a bucket fills, and how much it holds.

    Attributes:
        rate: A second.
        burst: What passes at once after a pause.
    """

    rate: float
    burst: float

    def share(self, processes: int) -> "Limit":
        """What one of several processes may let pass, so that all together keep the limit.

        Never less than one at once: below that nothing would pass.
        """
        return Limit(self.rate / processes, max(1.0, self.burst / processes))

    def amount(self, least: float, wanted: float) -> float | None:
        """What to take for something that costs between ``least`` and ``wanted``.

        Returns:
            As much of ``wanted`` as a full bucket holds; ``None`` if not even ``least`` fits
            into one, so that it can never pass.
        """
        return min(wanted, self.burst) if least <= self.burst else None


class Level(NamedTuple):
    """What a bucket held at a moment.

    Attributes:
        tokens: Below zero: a debt.
        at: In seconds, on the clock of whoever keeps the bucket.
    """

    tokens: float
    at: float

    def later(self, limit: Limit, now: float) -> "Level":
        """The level at ``now``. A clock that went back fills nothing."""
        gained = max(0.0, now - self.at) * limit.rate
        return Level(min(limit.burst, self.tokens + gained), max(now, self.at))

    def less(self, amount: float, limit: Limit) -> "Level":
        """After ``amount`` was taken; a negative one gives back, never above the burst."""
        return Level(min(limit.burst, self.tokens - amount), self.at)


def wait_s(limit: Limit, tokens: float, amount: float) -> float:
    """Seconds until a bucket that holds ``tokens`` has ``amount``, if nobody takes any."""
    return max(0.0, (amount - tokens) / limit.rate)


def full_in_s(limit: Limit, tokens: float) -> float:
    """Seconds until a bucket that holds ``tokens`` is full, if nobody takes any."""
    return wait_s(limit, tokens, limit.burst)
