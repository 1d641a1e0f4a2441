"""The chapters of a demonstration: what is done, and what is under way."""

import time
from dataclasses import dataclass, field

from rich.text import Text

from pilotlight.terminal.numbers import span

BEFORE = "begins"


@dataclass
class Chapters:
    """Written by whoever tells the story, read by whoever shows it."""

    chapter: str = BEFORE
    since: float = field(default_factory=time.monotonic)
    notes: list[tuple[str, float]] = field(default_factory=list)

    def begin(self, chapter: str) -> None:
        """Start a chapter, and its clock; the one before is done."""
        self.end()
        self.chapter = chapter
        self.since = time.monotonic()

    def end(self) -> None:
        """Note the chapter with its time."""
        if self.chapter != BEFORE:
            self.notes.append((self.chapter, time.monotonic() - self.since))
        self.chapter = BEFORE

    def text(self) -> Text:
        """A line for each chapter."""
        text = Text()
        for chapter, seconds in self.notes:
            text.append("✓ ", "green").append(chapter).append(f"  {span(seconds)}\n", "dim")
        if self.chapter != BEFORE:
            text.append("▶ ", "bold yellow").append(self.chapter, "bold")
            text.append(f"  {span(time.monotonic() - self.since)}", "dim")
        return text
