"""Where a text that is too long is cut."""

import unicodedata

LOOK_BACK = 40
"""Characters in which a space is looked for."""
_JOINERS = frozenset("\u200d\ufe0e\ufe0f")


def cut_at(text: str, limit: int, before: str = "") -> int:
    """Where to cut ``text`` so that at most ``limit`` characters stay.

    ``before`` is what has gone out already; its end tells whether a word begins with ``text``.

    Behind the last word that fits, if there is a space near; otherwise never between a letter
    and its accents, or inside a joined emoji.
    """
    if len(text) <= limit:
        return len(text)
    for at in range(limit, max(-1, limit - LOOK_BACK), -1):
        if text[at].isspace() or (at == 0 and before[-1:].isspace()):
            return at
    at = limit
    while at > 0 and limit - at < LOOK_BACK and _belongs_together(text[at - 1], text[at]):
        at -= 1
    return at


def _belongs_together(before: str, after: str) -> bool:
    return bool(unicodedata.combining(after)) or after in _JOINERS or before == "\u200d"
