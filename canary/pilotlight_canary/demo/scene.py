"""What the demonstration has come to: written by the story, read by the screen."""

import time
from dataclasses import dataclass, field

from pilotlight_canary.demo.crowd import Tally
from pilotlight_canary.view.seen import Seen


@dataclass
class Scene:
    """Everything that is on the screen."""

    chapter: str = "begins"
    since: float = field(default_factory=time.monotonic)
    notes: list[tuple[str, float]] = field(default_factory=list)
    seen: Seen | None = None
    tally: Tally = field(default_factory=Tally)

    def begin(self, chapter: str) -> None:
        """Start a chapter, and its clock; the one before is done."""
        self.end()
        self.chapter = chapter
        self.since = time.monotonic()

    def end(self) -> None:
        """Note the chapter with its time."""
        if self.chapter != "begins":
            self.notes.append((self.chapter, time.monotonic() - self.since))
        self.chapter = "begins"
