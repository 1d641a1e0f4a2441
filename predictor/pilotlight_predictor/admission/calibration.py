"""How far the expected waits have been from the real ones lately."""

import math

SHORTEST_S = 0.25
QUANTILE = 0.9
GAIN = 0.2
MOST = 4.0


class Calibration:
    """A factor on the expected wait that nine of ten real waits stay below.

    The estimate divides work by a rate. What it leaves out (the step that is under way, decodes
    that slow prefills down, a cache that is full) changes slowly, and so can be learned. Under
    overload the queue stands at its bound: an estimate that is right on average would let half
    of the requests wait longer than the bound says.

    The quantile of real over expected is tracked in the logarithm by stochastic approximation
    (Robbins and Monro 1951): a step up of ``GAIN * QUANTILE`` when a wait was longer, a step
    down of ``GAIN * (1 - QUANTILE)`` when it was not.
    """

    def __init__(self) -> None:
        self._log = 0.0

    @property
    def factor(self) -> float:
        """Multiply an expected wait by this."""
        return math.exp(self._log)

    def learn(self, expected_s: float, real_s: float) -> None:
        """A request has had its first token.

        Args:
            expected_s: Wait that was expected at its arrival, before the factor; short ones
                teach nothing.
            real_s: Seconds from its arrival.
        """
        if expected_s < SHORTEST_S:
            return
        longer = real_s > expected_s * self.factor
        step = GAIN * (QUANTILE if longer else QUANTILE - 1)
        self._log = min(math.log(MOST), max(-math.log(MOST), self._log + step))
