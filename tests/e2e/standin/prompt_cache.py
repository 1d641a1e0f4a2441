"""Remembers how prompts began."""

from collections import OrderedDict

WORDS = 16
SIZE = 4096


class PromptCache:
    """The beginnings of the latest prompts."""

    def __init__(self) -> None:
        self._beginnings: OrderedDict[str, None] = OrderedDict()

    def knows(self, prompt: str, is_on: bool) -> bool:
        """Whether an earlier prompt began like this one, and remember it."""
        if not is_on:
            return False
        beginning = " ".join(prompt.split()[:WORDS])
        is_known = beginning in self._beginnings
        self._beginnings[beginning] = None
        self._beginnings.move_to_end(beginning)
        if len(self._beginnings) > SIZE:
            self._beginnings.popitem(last=False)
        return is_known
