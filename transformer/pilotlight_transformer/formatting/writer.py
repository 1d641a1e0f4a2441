"""One choice's text on its way to the client, whole or piece by piece."""

from collections.abc import Mapping

from pilotlight_transformer.formatting.conformity import Checker, NoJson
from pilotlight_transformer.formatting.envelope import Envelope
from pilotlight_transformer.formatting.length import cut_at
from pilotlight_transformer.formatting.repetition import LoopDetector
from pilotlight_transformer.formatting.schema import Schema
from pilotlight_transformer.formatting.settings import FormatSettings

CHECKED = frozenset({"stop", "length"})
"""Finish reasons after which the text is all that the model has to say."""


class Writer:
    """Follows one choice.

    Args:
        schema: That the text must fit.
        holds: Whether the text goes out only when it has been checked.

    Attributes:
        cut: Why the text was ended here: ``repetition`` or ``length``.
        ended: Nothing of this choice goes out any more.
        tools: The choice calls tools: its text is no answer.
        repaired: The text that goes out is not the model's.
        enclosed: The envelope was opened.
    """

    def __init__(
        self,
        settings: FormatSettings,
        schema: Schema | None,
        checker: Checker | None,
        envelope: Envelope | None,
        *,
        holds: bool,
    ) -> None:
        self._settings = settings
        self._schema = schema
        self._checker = checker
        answers = settings.json_answers
        self._repairs = answers is not None and answers.on_fault == "repair"
        self._max_checked = 0 if answers is None else answers.max_characters
        self._envelope = envelope
        self._holds = holds
        self._detectors: dict[str, LoopDetector] = {}
        self._left = settings.max_characters
        self._before = ""
        self._kept: list[str] = []
        self._size = 0
        self.cut: str | None = None
        self.ended = False
        self.tools = False
        self.repaired = False
        self.enclosed = False

    def think(self, field: str, text: str) -> str:
        """A piece of what is not the answer: only loops matter there."""
        return self._without_loop(field, text)

    def write(self, text: str, values: Mapping[str, str]) -> str:
        """A piece of the text; returns what goes out now.

        Raises:
            NoJson: It is too long to be checked.
        """
        text = self._without_loop("text", text)
        if self._left is not None:
            at = cut_at(text, self._left, self._before)
            if at < len(text):
                text, self.cut = text[:at], "length"
            self._left -= len(text)
            self._before = text[-1:] or self._before
        if self._schema is not None:
            self._kept.append(text)
            self._size += len(text)
            if self._size > self._max_checked:
                raise NoJson("it is too long to be checked")
            if self._holds:
                return ""
        return self._enclosed(text, values)

    async def close(self, reason: str, values: Mapping[str, str]) -> str:
        """The text has ended; returns what is still to go out.

        Raises:
            NoJson: It is not what it should be.
        """
        self.ended = True
        rest = ""
        if self._schema is not None and self._kept:
            text = "".join(self._kept)
            checked = text
            if reason in CHECKED and not self.tools and self._checker is not None:
                # What has gone out cannot be repaired any more.
                checked = await self._checker.conform(
                    text, self._schema, repair=self._repairs and self._holds
                )
            self.repaired = checked != text
            rest = self._enclosed(checked, values) if self._holds else ""
        if self.enclosed and self._envelope is not None:
            rest += self._envelope.closing(values)
        return rest

    def _without_loop(self, field: str, text: str) -> str:
        settings = self._settings.repetition
        if settings is None or not text:
            return text
        if field not in self._detectors:
            self._detectors[field] = LoopDetector(
                settings.repeats, settings.min_characters, settings.max_period
            )
        at = self._detectors[field].feed(text)
        if at is None:
            return text
        self.cut = "repetition"
        return text[:at]

    def _enclosed(self, text: str, values: Mapping[str, str]) -> str:
        if self._envelope is None or not text:
            return text
        opening = "" if self.enclosed else self._envelope.opening(values)
        self.enclosed = True
        return opening + self._envelope.text(text)
