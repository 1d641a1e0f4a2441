"""What the forwarder asks, and tells, about a predictor's health."""

from typing import Protocol


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


class AlwaysHealthy:
    """Every predictor may always be asked."""

    def allows(self, name: str) -> bool:
        """Yes."""
        return True

    def succeeded(self, name: str) -> None:
        """Nothing follows."""

    def failed(self, name: str) -> None:
        """Nothing follows."""
