"""Rules, and what they find."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pilotlight_transformer.safety.folding import View


class Action(StrEnum):
    """What becomes of a text in which something was found."""

    REDACT = "redact"
    REFUSE = "refuse"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is to be done where something is found.

    Attributes:
        name: Stands in metrics, decisions, and in place of what was redacted.
        label: What stands in place of it.
    """

    name: str
    action: Action
    label: str


@dataclass(frozen=True, slots=True)
class Match:
    """Something found, from ``start`` to ``end`` in the raw text.

    Attributes:
        opened: It goes on behind the end of this piece.
        continued: It began before this piece.
    """

    start: int
    end: int
    opened: bool = False
    continued: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What a search found, and from where on it cannot tell yet (``None``: it can)."""

    matches: list[Match]
    unsure_from: int | None = None


class Search(Protocol):
    """A rule's search through one text that comes in pieces."""

    @property
    def rule(self) -> Rule:
        """Whose search it is."""
        ...

    def look(self, view: View, *, final: bool) -> Look:
        """Look through what was not yet released and what is new; changes nothing."""
        ...

    def release(self, look: Look, count: int) -> None:
        """The first ``count`` raw characters are decided and go."""
        ...


class Detector(Protocol):
    """Begins the search of a rule."""

    @property
    def rule(self) -> Rule:
        """Whose search it is."""
        ...

    def search(self) -> Search:
        """A search through a new text."""
        ...
