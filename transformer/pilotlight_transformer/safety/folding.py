"""Texts as the filters read them, and the way back to where that was in the text as it came.

Folding works on one character after the other, so that a text in pieces folds like the whole one:
compatibility forms and accents go (NFKD, Unicode Standard Annex 15), invisible characters go, and
for deny-lists case goes too (Unicode 3.13) and any run of white space is one space.
"""

import re
import unicodedata
from bisect import bisect_left

_MOST_CACHED = 50_000
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_SPACES = re.compile(r" {2,}")
_VARIATION = range(0xFE00, 0xFE10)
_ACCENTS = range(0x300, 0x370)
_FILLERS = frozenset({0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800, 0x17B4, 0x17B5})
_ASCII_CASE = {code: chr(code).lower() for code in range(128)} | {
    code: " " for code in range(128) if chr(code).isspace()
}


def _seen(code: int) -> str:
    """What one sees of a character: nothing, or its plain form."""
    if code in _FILLERS or code in _VARIATION:
        return ""
    plain = unicodedata.normalize("NFKD", chr(code))
    return "".join(char for char in plain if not _is_hidden(char))


def _is_hidden(char: str) -> bool:
    if ord(char) in _ACCENTS:
        return True
    kind = unicodedata.category(char)
    return kind == "Cf" or (kind == "Cc" and not char.isspace())


class _Table(dict[int, str]):
    """For ``str.translate``; made as it is needed."""

    def __init__(self, *, caseless: bool) -> None:
        super().__init__()
        self._caseless = caseless

    def __missing__(self, code: int) -> str:
        text = _seen(code)
        if self._caseless:
            text = "".join(_seen(ord(char)) for char in text.casefold())
            text = "".join(" " if char.isspace() else char for char in text)
        if len(self) < _MOST_CACHED:
            self[code] = text
        return text


_PLAIN = _Table(caseless=False)
_CASELESS = _Table(caseless=True)


class Folded:
    """A folded text behind the last character of what was before it.

    Attributes:
        text: One character of context at most, then the folded text.
        skip: How long the context is.
    """

    __slots__ = ("_caseless", "_offsets", "_raw", "skip", "text")

    def __init__(self, raw: str, before: str, *, caseless: bool) -> None:
        self._raw = raw
        self._caseless = caseless
        self._offsets: list[int] | range | None = None
        self.skip = len(before)
        simple = raw.isascii() and _CONTROL.search(raw) is None
        if not caseless:
            folded = raw if simple else raw.translate(_PLAIN)
        else:
            folded = raw.translate(_ASCII_CASE if simple else _CASELESS)
        self.text = before + folded
        if caseless and "  " in self.text:
            self.text = _SPACES.sub(" ", self.text)
            simple = False
        if simple:
            self._offsets = range(-self.skip, len(raw))

    def start(self, index: int) -> int:
        """Where in the raw text the character at ``index`` comes from."""
        return self._where[index]

    def end(self, index: int) -> int:
        """Where in the raw text that ends which ends before ``index``."""
        return self._where[index - 1] + 1

    def index(self, raw: int) -> int:
        """The first character that comes from ``raw`` or later."""
        return self.skip if raw <= 0 else bisect_left(self._where, raw)

    def last_before(self, raw: int) -> str:
        """The context for what begins at ``raw``."""
        index = self.index(raw) if raw > 0 else self.skip
        return self.text[index - 1 : index] if index else ""

    @property
    def _where(self) -> list[int] | range:
        if self._offsets is None:
            self._offsets = self._counted()
        return self._offsets

    def _counted(self) -> list[int]:
        offsets = list(range(-self.skip, 0))
        table = _CASELESS if self._caseless else _PLAIN
        spaced = self._caseless and self.text[: self.skip] == " "
        for at, char in enumerate(self._raw):
            for out in table[ord(char)]:
                if not (self._caseless and spaced and out == " "):
                    offsets.append(at)
                spaced = out == " "
        return offsets


class View:
    """A raw text in both foldings, each made when it is first looked at."""

    __slots__ = ("_before", "_caseless", "_plain", "raw")

    def __init__(self, raw: str, before: tuple[str, str] = ("", "")) -> None:
        self.raw = raw
        self._before = before
        self._plain: Folded | None = None
        self._caseless: Folded | None = None

    @property
    def plain(self) -> Folded:
        """With its case."""
        if self._plain is None:
            self._plain = Folded(self.raw, self._before[0], caseless=False)
        return self._plain

    @property
    def caseless(self) -> Folded:
        """Without its case, and with single spaces."""
        if self._caseless is None:
            self._caseless = Folded(self.raw, self._before[1], caseless=True)
        return self._caseless

    def before(self, raw: int) -> tuple[str, str]:
        """The context for a view of what begins at ``raw``."""
        return self.plain.last_before(raw), self.caseless.last_before(raw)


def caseless(text: str) -> str:
    """A whole text, folded for comparison."""
    return Folded(text, "", caseless=True).text
