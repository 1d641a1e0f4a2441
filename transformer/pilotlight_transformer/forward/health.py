"""What the forwarder asks, and tells, about a predictor's health."""

from typing import Protocol

from pilotlight.errors import BadGateway, DeadlineExceeded
from pilotlight_transformer.forward.onward import ClientDeadline
from pilotlight_transformer.forward.pool import Unreachable


class TargetHealth(Protocol):
    """Knows predictors by the name of their target; circuit breakers, for one."""

    def allows(self, name: str) -> bool:
        """Whether a call may go there now."""
        ...

    def succeeded(self, name: str) -> None:
        """It answered."""
        ...

    def failed(self, name: str) -> None:
        """It could not be reached, answered 502 or 503, was too late, or broke off."""
        ...

    def given_up(self, name: str) -> None:
        """The call ended for reasons that say nothing about it."""
        ...


class AlwaysHealthy:
    """Every predictor may always be asked."""

    def allows(self, name: str) -> bool:
        """Yes."""
        return True

    def succeeded(self, name: str) -> None:
        """Nothing follows."""

    def failed(self, name: str) -> None:
        """Nothing follows."""

    def given_up(self, name: str) -> None:
        """Nothing follows."""


def tell(health: TargetHealth, name: str, error: BaseException) -> None:
    """Say what a call ended with that got no answer: the predictor's failure, or somebody else's.

    A client that left, a client's deadline, and no free connection are somebody else's.
    """
    its_own = isinstance(error, Unreachable | BadGateway | DeadlineExceeded)
    if its_own and not isinstance(error, ClientDeadline):
        health.failed(name)
    else:
        health.given_up(name)
