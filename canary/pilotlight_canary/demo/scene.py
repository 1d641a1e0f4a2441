"""What the demonstration has come to: written by the story, read by the screen."""

from dataclasses import dataclass, field

from pilotlight.demo.chapters import Chapters
from pilotlight_canary.demo.crowd import Tally
from pilotlight_canary.view.seen import Seen


@dataclass
class Scene(Chapters):
    """Everything that is on the screen."""

    seen: Seen | None = None
    tally: Tally = field(default_factory=Tally)
