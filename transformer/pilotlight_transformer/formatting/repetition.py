"""Loops: a text that says the same again and again, found while it is written."""

PIECE_CHARACTERS = 64
"""A long text is looked at so often, as a stream would be."""
_NEEDLE = 16
_CANDIDATES = 8


class LoopDetector:
    """Follows one text and tells when its end is one block, many times over.

    A block recurs where its last characters do, so candidates come from a search backwards for
    the text's own end, and one comparison proves each. A look costs microseconds, whatever the
    text's length.

    Args:
        repeats: Copies of the block, directly one after the other, that make a loop.
        min_characters: Of all copies together.
        max_period: Longest block, in characters.
    """

    def __init__(self, repeats: int, min_characters: int, max_period: int) -> None:
        self._repeats = repeats
        self._min_characters = min_characters
        self._max_period = max_period
        self._window = max(repeats * max_period, min_characters) + max_period + PIECE_CHARACTERS
        self._tail = ""

    def feed(self, text: str) -> int | None:
        """Go on with ``text``.

        Returns:
            How many of its characters to keep if it ends in a loop: those up to the end of the
            block's first copy. ``None`` if there is no loop.
        """
        for start in range(0, len(text), PIECE_CHARACTERS):
            piece = text[start : start + PIECE_CHARACTERS]
            self._tail = (self._tail + piece)[-self._window :]
            first = self._first_copy()
            if first is not None:
                return max(0, start + len(piece) - (len(self._tail) - first))
        return None

    def _first_copy(self) -> int | None:
        """Where the first copy of a loop ends in the tail."""
        tail = self._tail
        end = len(tail)
        if end < self._min_characters:
            return None
        needle = tail[-_NEEDLE:]
        at = end - len(needle)
        for _ in range(_CANDIDATES):
            at = tail.rfind(needle, 0, at + len(needle) - 1)
            period = end - len(needle) - at
            if at < 0 or period > self._max_period:
                return None
            needed = max(period * self._repeats, self._min_characters)
            if needed <= end and tail[end - needed : end - period] == tail[end - needed + period :]:
                start = end - needed
                while start > 0 and tail[start - 1] == tail[start - 1 + period]:
                    start -= 1
                return start + period
        return None
