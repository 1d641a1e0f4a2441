"""What stands around an answer's text."""

import json
import re
from collections.abc import Mapping

TEXT = "{text}"
VALUES = ("model", "id", "finish_reason")
_VALUE = re.compile(r"\{(" + "|".join(VALUES) + r")\}")


class Envelope:
    """A template with ``{text}`` once, and around it ``{model}``, ``{id}``, ``{finish_reason}``.

    Other braces stand for themselves, so that a template can be JSON.

    Args:
        escape: Write text and values as the inside of a JSON string.

    Raises:
        ValueError: ``{text}`` is not there once, or ``{finish_reason}`` stands before it, where
            nobody knows it yet.
    """

    def __init__(self, template: str, *, escape: bool) -> None:
        if template.count(TEXT) != 1:
            raise ValueError("the template needs {text} once")
        self._before, self._after = template.split(TEXT)
        if "{finish_reason}" in self._before:
            raise ValueError("{finish_reason} is known only after {text}")
        self._escape = escape

    def opening(self, values: Mapping[str, str]) -> str:
        """What stands before the text."""
        return self._filled(self._before, values)

    def text(self, text: str) -> str:
        """A part of the text."""
        return json.dumps(text, ensure_ascii=False)[1:-1] if self._escape else text

    def closing(self, values: Mapping[str, str]) -> str:
        """What stands behind the text."""
        return self._filled(self._after, values)

    def _filled(self, part: str, values: Mapping[str, str]) -> str:
        return _VALUE.sub(lambda found: self.text(values.get(found[1], "")), part)
