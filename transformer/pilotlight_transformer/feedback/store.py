"""Where feedback is kept: the port, and what its adapters agree on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pilotlight_transformer.feedback.answered import Answered, Text
from pilotlight_transformer.feedback.given import Feedback

Entry = dict[str, Any]
"""A label to be made: ``answer``, ``feedback``, and ``text`` if it was kept."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept.

    Attributes:
        keep_s: How long an answer may be given feedback, and its feedback and label are kept.
        max_answers: Older ones go first (SQLite only; Redis bounds by its memory).
        max_labels: Of the labelling queue; older ones go first.
        max_changes: How often the feedback for one answer may be given anew.
    """

    keep_s: float
    max_answers: int
    max_labels: int
    max_changes: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of feedback.

    Attributes:
        revision: Which gave the answer.
        change: 1 for the first feedback of an answer.
        first_score: It is the first one of this answer with a score.
        first_flag: It is the first one that flags it.
    """

    revision: str | None
    change: int
    first_score: bool
    first_flag: bool


class UnknownAnswer(Exception):
    """This tenant got no such answer, or too long ago."""


class TooManyChanges(Exception):
    """The feedback for this answer was given anew too often."""


class FeedbackStore(Protocol):
    """Notes answers, and what is said about them. Every method raises ``Unavailable``."""

    async def note(self, answer: Answered, text: Text | None) -> None:
        """Note an answer, durably. One that was replayed never takes an earlier one's place."""
        ...

    async def give(self, tenant: str, feedback: Feedback, now: float) -> Accepted:
        """Keep feedback, durably; it takes the place of earlier feedback, which is kept too.

        Raises:
            UnknownAnswer: This tenant got none of that id.
            TooManyChanges: It was given anew too often.
        """
        ...


class Labels(Protocol):
    """The labelling queue, as the command line reads it. Positions rise."""

    def after(self, position: str, limit: int) -> Sequence[tuple[str, Entry]]:
        """Entries after a position (empty: from the first one), with their own positions."""
        ...

    def count(self) -> int:
        """How many there are."""
        ...

    def cursor(self, name: str) -> str:
        """How far the reader ``name`` has come; empty at first."""
        ...

    def advance(self, name: str, position: str) -> None:
        """Note how far the reader ``name`` has come."""
        ...

    def close(self) -> None:
        """Close what was opened."""
        ...
