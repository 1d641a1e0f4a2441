"""How many requests may be sent a second time."""

from dataclasses import dataclass


@dataclass(slots=True)
class RetryBudget:
    """A token bucket that requests fill and retries empty (Finagle's ``RetryBudget``).

    However badly an upstream fails, it gets at most ``share`` more requests than without retries.

    Attributes:
        share: Of the requests that may be tried again.
        reserve: Retries that are there at the start, and the most that are saved up.
    """

    share: float = 0.1
    reserve: float = 10.0
    _saved: float = -1.0

    def __post_init__(self) -> None:
        self._saved = self.reserve

    def request(self) -> None:
        """A request was made."""
        self._saved = min(self.reserve, self._saved + self.share)

    def take(self) -> bool:
        """Whether one may be made again; counts it if so."""
        # Ten shares of 0.1 are a little less than 1 in binary.
        if self._saved < 1.0 - 1e-9:
            return False
        self._saved -= 1.0
        return True
