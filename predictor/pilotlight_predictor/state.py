"""The predictor's life as an explicit state machine."""

from collections.abc import Callable
from enum import StrEnum

from pilotlight.errors import PilotlightError


class State(StrEnum):
    """Where a predictor is in its life."""

    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    DRAINING = "draining"
    STOPPED = "stopped"
    FAILED = "failed"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.LOADING: frozenset({State.WARMING, State.DRAINING, State.FAILED}),
    State.WARMING: frozenset({State.READY, State.DRAINING, State.FAILED}),
    State.READY: frozenset({State.DRAINING, State.FAILED}),
    State.DRAINING: frozenset({State.STOPPED, State.FAILED}),
    State.FAILED: frozenset({State.STOPPED}),
    State.STOPPED: frozenset(),
}


class IllegalTransition(PilotlightError):
    """A move that the state machine does not have: a bug, not a user's error."""


class Lifecycle:
    """Holds the state and tells listeners of each move."""

    def __init__(self) -> None:
        self._state = State.LOADING
        self._reason = "the process has started"
        self._listeners: list[Callable[[State], None]] = []

    @property
    def state(self) -> State:
        return self._state

    @property
    def reason(self) -> str:
        """Why the state is what it is, in words."""
        return self._reason

    def on_change(self, listener: Callable[[State], None]) -> None:
        """Call ``listener`` now and after each move."""
        self._listeners.append(listener)
        listener(self._state)

    def move(self, to: State, reason: str) -> None:
        """Go to another state.

        Raises:
            IllegalTransition: There is no such move from here.
        """
        if to not in TRANSITIONS[self._state]:
            raise IllegalTransition(f"from {self._state} there is no way to {to} ({reason})")
        self._state, self._reason = to, reason
        for listener in self._listeners:
            listener(to)

    def move_if_possible(self, to: State, reason: str) -> bool:
        """Go to another state where the machine allows it; tell whether it did."""
        if to not in TRANSITIONS[self._state]:
            return False
        self.move(to, reason)
        return True
