"""Patterns of bounded length, each with the pattern of everything it could begin with.

A stream may be cut anywhere. Whether what has come so far could still become a match is asked with
a second regular expression, which :func:`beginning` derives from the first: so the two cannot come
to differ. All repetitions are bounded, which bounds both what is held back and the time it takes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Chars:
    """One character of a class, as a regular expression writes it: ``[a-z]``, ``\\d``."""

    expression: str


@dataclass(frozen=True)
class Repeat:
    """``what``, so many times."""

    what: "Part"
    least: int
    most: int


@dataclass(frozen=True)
class Sequence:
    """One after the other."""

    parts: tuple["Part", ...]


@dataclass(frozen=True)
class Either:
    """One of them, the first that fits."""

    parts: tuple["Part", ...]


Part = Chars | Repeat | Sequence | Either


def seq(*parts: "Part | str") -> Sequence:
    """Parts one after the other; a ``str`` stands for its characters."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, str):
            found += [Chars(re.escape(char)) for char in part]
        else:
            found.append(part)
    return Sequence(tuple(found))


def expression(part: Part) -> str:
    """The regular expression of a part."""
    if isinstance(part, Chars):
        return part.expression
    if isinstance(part, Repeat):
        return f"(?:{expression(part.what)}){{{part.least},{part.most}}}"
    if isinstance(part, Sequence):
        return "".join(expression(one) for one in part.parts)
    return f"(?:{'|'.join(expression(one) for one in part.parts)})"


def beginning(part: Part) -> str:
    """The regular expression of everything that a match of ``part`` can begin with."""
    if isinstance(part, Chars):
        return f"(?:{part.expression})?"
    if isinstance(part, Repeat):
        before = f"(?:{expression(part.what)}){{0,{part.most - 1}}}"
        return f"(?:{before}{beginning(part.what)})"
    if isinstance(part, Sequence):
        found = beginning(part.parts[-1])
        for one in reversed(part.parts[:-1]):
            found = f"(?:{expression(one)}{found}|{beginning(one)})"
        return found
    return f"(?:{'|'.join(beginning(one) for one in part.parts)})"


def longest(part: Part) -> int:
    """How long a match of ``part`` can be."""
    if isinstance(part, Chars):
        return 1
    if isinstance(part, Repeat):
        return part.most * longest(part.what)
    lengths = [longest(one) for one in part.parts]
    return sum(lengths) if isinstance(part, Sequence) else max(lengths)


Check = Callable[[str, int, int], int | None]
"""Where a match from ``start`` to ``end`` in a text really ends; ``None``: it is none."""


@dataclass(frozen=True)
class Pattern:
    """Something to find.

    Attributes:
        kind: What it is, as settings and metrics say it.
        head: What it looks like, or how it begins.
        not_after: A class of characters of which none may stand before it.
        not_before: A class of characters of which none may stand behind ``head``.
        needs: Texts of which one is in every match, for a fast no.
        check: Its checksum, and where it ends.
        goes_on: A class of characters; all of them that follow belong to it, however many.
        ends_with: What it ends with, however far away; without that it goes on to the end.
        lead: A character that every match has once, the class of what stands before it in the
            match, and how many those are at most: so that one need not begin to search everywhere.
    """

    kind: str
    head: Part
    not_after: str = ""
    not_before: str = ""
    needs: tuple[str, ...] = ()
    check: Check | None = None
    goes_on: str = ""
    ends_with: Part | None = None
    lead: tuple[str, str, int] | None = None
    longest: int = field(init=False)
    found: re.Pattern[str] = field(init=False)
    begun: re.Pattern[str] = field(init=False)
    tail: re.Pattern[str] | None = field(init=False)
    tail_begun: re.Pattern[str] | None = field(init=False)
    led: re.Pattern[str] | None = field(init=False)
    lead_at: re.Pattern[str] | None = field(init=False)

    def __post_init__(self) -> None:
        behind = f"(?<!{self.not_after})" if self.not_after else ""
        ahead = f"(?!{self.not_before})" if self.not_before else ""
        values: dict[str, object] = {
            "longest": longest(self.head),
            "found": re.compile(behind + expression(self.head) + ahead),
            "begun": re.compile(f"{behind}{beginning(self.head)}\\Z"),
            "tail": re.compile(f"(?:{self.goes_on})*") if self.goes_on else None,
            "tail_begun": None,
            "led": None,
            "lead_at": None,
        }
        if self.ends_with is not None:
            values["tail"] = re.compile(expression(self.ends_with))
            values["tail_begun"] = re.compile(f"{beginning(self.ends_with)}\\Z")
        if self.lead is not None:
            sign, before, most = self.lead
            values["led"] = re.compile(f"{before}{{1,{most}}}")
            values["lead_at"] = re.compile(before + re.escape(sign))
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def next(self, text: str, at: int) -> tuple[int, int] | None:
        """The first match that starts at ``at`` or later: its start, and its head's end."""
        while True:
            found = self._search(text, at)
            if found is None:
                return None
            end = found.end()
            if self.check is not None:
                checked = self.check(text, found.start(), end)
                if checked is None:
                    at = found.start() + 1
                    continue
                end = checked
            return found.start(), end

    def could_begin(self, text: str, at: int) -> int | None:
        """The first place from ``at`` on from which all that is left could become a match."""
        found = self.begun.search(text, max(at, len(text) - self.longest))
        return None if found is None or found.start() == len(text) else found.start()

    def _search(self, text: str, at: int) -> re.Match[str] | None:
        if self.led is None or self.lead_at is None or self.lead is None:
            return self.found.search(text, at)
        for sign in self.lead_at.finditer(text, at):
            place = sign.start() + 1
            before = text[max(at, place - self.lead[2]) : place][::-1]
            run = self.led.match(before)
            if run is not None and (found := self.found.match(text, place - run.end())):
                return found
        return None
