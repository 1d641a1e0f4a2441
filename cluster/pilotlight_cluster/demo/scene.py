"""What the demonstration has come to: written by the story, read by the view."""

import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class PodLine:
    """One pod as people see it."""

    name: str
    state: str
    ready: bool
    age_s: float


@dataclass
class Exchange:
    """One question and what came back of its answer.

    Attributes:
        first_token_s: Seconds from the question to the first token.
        last_s: Seconds from the question to the end of the answer.
    """

    question: str
    asked_at: float = field(default_factory=time.monotonic)
    answer: str = ""
    tokens: int = 0
    first_token_s: float | None = None
    last_s: float | None = None
    failure: str = ""


@dataclass
class Scene:
    """Everything that is on the screen."""

    chapter: str = ""
    since: float = field(default_factory=time.monotonic)
    pods: list[PodLine] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def begin(self, chapter: str) -> None:
        """Start a chapter, and its clock."""
        self.chapter = chapter
        self.since = time.monotonic()

    def end(self) -> float:
        """End the chapter with a note of its time; seconds."""
        seconds = time.monotonic() - self.since
        self.notes.append(f"{self.chapter}: {seconds:.1f} s")
        return seconds
