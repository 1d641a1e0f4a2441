"""Texts that are JSON themselves, as the arguments of tool calls are: what their escapes mean.

A filter must see ``a@b.com`` in ``\\na\\u0040b.com``, and must not cut an escape in two.
"""

import re
from collections.abc import Sequence

_HIGH = r"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW = r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE = re.compile(rf"{_HIGH}{_LOW}|\\u[0-9a-fA-F]{{4}}|\\[^u]", re.DOTALL)
_FIRST_HALF = re.compile(_HIGH)
_BEGUN = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?")
_MEANING = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def unescaped(text: str) -> tuple[str, Sequence[int]]:
    """What a text means, and where each of its characters, and its end, stands in it."""
    if "\\" not in text:
        return text, range(len(text) + 1)
    out: list[str] = []
    places: list[int] = []
    at = 0
    for found in _ESCAPE.finditer(text):
        out.append(text[at : found.start()])
        places += range(at, found.start() + 1)
        out.append(_meaning(found[0]))
        at = found.end()
    out.append(text[at:])
    places += range(at, len(text) + 1)
    return "".join(out), places


def unfinished(text: str) -> int:
    """How many characters at the end may be the beginning of an escape.

    Args:
        text: From the beginning of an escape, or from between two.
    """
    if "\\" not in text[-12:]:
        return 0
    begins = ends = 0
    # Only from the start on is it certain which backslash escapes which.
    for found in _ESCAPE.finditer(text):
        begins, ends = found.span()
    if ends == len(text) and _FIRST_HALF.fullmatch(text, begins):
        return ends - begins
    if _FIRST_HALF.fullmatch(text, begins, ends):
        rest = _BEGUN.fullmatch(text, ends)
        return 0 if rest is None else len(text) - begins
    last = text.find("\\", ends)
    return len(text) - last if last >= 0 and _BEGUN.fullmatch(text, last) else 0


def _meaning(escape: str) -> str:
    if len(escape) == 2:
        return _MEANING.get(escape[1], escape[1])
    units = bytes.fromhex(escape.replace("\\u", ""))
    return units.decode("utf-16-be", "surrogatepass")
