"""Who watches calls go by: metrics, for one."""

from typing import Protocol

from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.step import Outcome


class Observer(Protocol):
    """Told of each call that is not the server's own; cheap, and never raises."""

    def began(self, call: Call) -> None:
        """A request was read."""
        ...

    def passing(self, call: Call, status: int, data: bytes) -> None:
        """Bytes of the answer's body go out."""
        ...

    def ended(self, call: Call, outcome: Outcome) -> None:
        """The answer is over, however it went."""
        ...
