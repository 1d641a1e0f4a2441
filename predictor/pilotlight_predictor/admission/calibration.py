"""How far the expected waits have been from the real ones lately."""

import math

SHORTEST_S = 0.25
GAIN = 0.1
MOST = 4.0


class Calibration:
    """A factor on the expected wait: the geometric mean of real over expected, the latest most.

    The estimate divides work by a rate; what it leaves out (the step that is under way, decodes
    that slow prefills down, a cache that is full) changes slowly, and so can be learned.
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
        ratio = min(MOST, max(1 / MOST, real_s / expected_s))
        self._log += GAIN * (math.log(ratio) - self._log)
