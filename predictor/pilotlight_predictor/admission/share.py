"""The batch class's least part while both classes wait."""


class BatchShare:
    """What the batch class is owed: deficit round robin (Shreedhar and Varghese 1995).

    Costs are weighted tokens. Only contested starts count, those of one class while the other
    waits: what batch work gets in spare time is neither credit nor debt.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._owed = 0.0

    def due(self, cost: float) -> bool:
        """Whether the batch class has saved up for a request of this cost."""
        return self._share > 0 and self._owed >= (1 - self._share) * cost

    def interactive_started(self, cost: float) -> None:
        """An interactive request started while batch work waited."""
        self._owed += self._share * cost

    def batch_started(self, cost: float) -> None:
        """A batch request started while interactive work waited."""
        self._owed -= (1 - self._share) * cost

    def forget(self) -> None:
        """No batch work waits any more."""
        self._owed = 0.0
