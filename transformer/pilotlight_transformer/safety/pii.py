"""Personal data and secrets that have a shape: addresses, numbers with checksums, keys."""

from dataclasses import dataclass

from pilotlight_transformer.safety.finding import Look, Match, Rule
from pilotlight_transformer.safety.folding import Folded, View
from pilotlight_transformer.safety.iban import LENGTHS
from pilotlight_transformer.safety.pattern import (
    Chars,
    Either,
    Part,
    Pattern,
    Repeat,
    longest,
    seq,
)

_DIGIT = Chars(r"\d")
# Letters, but for the scripts that have no spaces between words: all of a text would be one.
_LETTER = r"(?![\u0e00-\u0eff\u1100-\u11ff\u3040-\u31ff\u3400-\u9fff\U00020000-\U0003ffff])\w"
_LOCAL = Chars(rf"(?:{_LETTER}|[.%+'-])")
_LABEL = Chars(rf"(?:{_LETTER}|-)")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_URL_SAFE = "[A-Za-z0-9_-]"


def _optional(part: Part) -> Repeat:
    return Repeat(part, 0, 1)


def _card_end(text: str, start: int, end: int) -> int | None:
    """The longest run of 13 to 19 digits from ``start`` that Luhn's sum (ISO/IEC 7812-1) fits."""
    found: int | None = None
    seen: set[int] = set()
    # With the last digit as it is, and with it doubled: the next digit swaps the two sums.
    plain = doubled = count = 0
    for at in range(start, end):
        if not text[at].isdecimal():
            continue
        digit = int(text[at])
        plain, doubled = doubled + digit, plain + _DOUBLED[digit]
        count += 1
        seen.add(digit)
        if plain % 10 == 0 and count > 12 and len(seen) > 1:
            followed = at + 1 < len(text) and text[at + 1].isdecimal()
            found = found if followed else at + 1
    return found


def _iban_end(text: str, start: int, end: int) -> int | None:
    """Where an IBAN ends, whose length its country tells and whose sum (ISO 7064) is 1."""
    places = [at for at in range(start, end) if text[at].isalnum()]
    wanted = LENGTHS.get(text[start : start + 2].upper())
    if wanted is None or len(places) < wanted:
        return None
    code = "".join(text[at] for at in places[:wanted]).upper()
    number = int("".join(str(int(char, 36)) for char in code[4:] + code[:4]))
    return places[wanted - 1] + 1 if number % 97 == 1 else None


def _phone_end(text: str, start: int, end: int) -> int | None:
    """7 to 15 digits (ITU-T E.164) behind a plus, else 9 to 15."""
    digits = sum(char.isdecimal() for char in text[start:end])
    least = 7 if text[start] == "+" else 9
    return end if least <= digits <= 15 else None


_BETWEEN = Repeat(Chars(r"[ ()./-]"), 0, 2)
_PHONE = Either(
    (
        seq(Either((seq("+"), seq("00"))), _DIGIT, Repeat(seq(_BETWEEN, _DIGIT), 6, 14)),
        seq(
            _optional(Chars(r"\(")),
            Repeat(_DIGIT, 3, 3),
            _optional(Chars(r"\)")),
            Chars("[-. ]"),
            Repeat(_DIGIT, 3, 3),
            Chars("[-. ]"),
            Repeat(_DIGIT, 4, 4),
        ),
        seq(
            _optional(Chars(r"\(")),
            "0",
            Repeat(_DIGIT, 1, 4),
            _optional(Chars(r"\)")),
            Repeat(Chars("[ /-]"), 1, 3),
            Repeat(_DIGIT, 2, 8),
            Repeat(seq(_optional(Chars("[ -]")), Repeat(_DIGIT, 2, 4)), 0, 3),
        ),
    )
)


# What keys begin with, and how many characters must follow at least.
_KEYS = {
    "sk-": 16,
    "ghp_": 20,
    "gho_": 20,
    "ghs_": 20,
    "github_pat_": 20,
    "glpat-": 16,
    "hf_": 20,
    "xoxb-": 10,
    "xoxp-": 10,
    "AIza": 30,
    "AKIA": 16,
    "ASIA": 16,
}

_DASHES = "-----"
_PEM_NAME = seq(Repeat(Chars("[A-Z0-9 ]"), 0, 24), "PRIVATE KEY", Repeat(Chars("[A-Z ]"), 0, 8))

PATTERNS: dict[str, tuple[Pattern, ...]] = {
    "email": (
        Pattern(
            "email",
            seq(
                Repeat(_LOCAL, 1, 64),
                "@",
                Repeat(seq(Repeat(_LABEL, 1, 63), "."), 1, 4),
                Repeat(_LABEL, 2, 63),
            ),
            needs=("@",),
            lead=("@", _LOCAL.expression, 64),
        ),
    ),
    "phone": (
        Pattern("phone", _PHONE, not_after=r"[\dA-Za-z_+]", not_before=r"\d", check=_phone_end),
    ),
    "iban": (
        Pattern(
            "iban",
            seq(
                Repeat(Chars("[A-Za-z]"), 2, 2),
                Repeat(Chars("[0-9]"), 2, 2),
                Repeat(seq(_optional(Chars("[ -]")), Chars("[A-Za-z0-9]")), 11, 30),
            ),
            not_after="[A-Za-z0-9]",
            check=_iban_end,
        ),
    ),
    "card": (
        Pattern(
            "card",
            seq(_DIGIT, Repeat(seq(_optional(Chars("[ -]")), _DIGIT), 12, 18)),
            not_after=r"\d",
            check=_card_end,
        ),
    ),
    "key": (
        Pattern(
            "key",
            Either(
                tuple(
                    seq(start, Repeat(Chars(_URL_SAFE), least, least))
                    for start, least in _KEYS.items()
                )
            ),
            not_after="[A-Za-z0-9]",
            needs=tuple(_KEYS),
            goes_on=_URL_SAFE,
        ),
        Pattern(
            "key",
            seq("eyJ", Repeat(Chars(_URL_SAFE), 8, 512), ".eyJ"),
            not_after=_URL_SAFE,
            needs=("eyJ",),
            goes_on="[A-Za-z0-9_.-]",
        ),
        Pattern(
            "key",
            seq(_DASHES, "BEGIN ", _PEM_NAME, _DASHES),
            needs=("PRIVATE KEY",),
            ends_with=seq(_DASHES, "END ", _PEM_NAME, _DASHES),
        ),
    ),
}
"""Of each kind."""


@dataclass(frozen=True)
class PatternDetector:
    """Looks for a pattern."""

    rule: Rule
    pattern: Pattern

    def search(self) -> "PatternSearch":
        """A search through a new text."""
        return PatternSearch(self.rule, self.pattern)


class PatternSearch:
    """A pattern's search; see :class:`~pilotlight_transformer.safety.finding.Search`."""

    __slots__ = ("_inside", "_pattern", "_resume", "rule")

    def __init__(self, rule: Rule, pattern: Pattern) -> None:
        self.rule = rule
        self._pattern = pattern
        self._resume = 0
        self._inside = False

    def look(self, view: View, *, final: bool) -> Look:
        folded, pattern = view.plain, self._pattern
        text = folded.text
        at = folded.index(self._resume)
        matches: list[Match] = []
        if self._inside:
            begun = at
            at, opened = self._end_of(text, at, final=final)
            end = self._raw_end(view, at, opened=opened)
            matches.append(Match(0, end, opened, continued=True))
            if opened:
                return Look(matches, self._footer(folded, begun, final=final))
        unsure = None if final else pattern.could_begin(text, at)
        while self._may_be_in(text) and (found := pattern.next(text, at)) is not None:
            start, head_end = found
            if unsure is not None and unsure <= start:
                break
            at, opened = self._end_of(text, head_end, final=final)
            end = self._raw_end(view, at, opened=opened)
            matches.append(Match(folded.start(start), end, opened))
            if opened:
                return Look(matches, self._footer(folded, head_end, final=final))
            if unsure is not None and unsure < at:
                unsure = pattern.could_begin(text, at)
        return Look(matches, None if unsure is None else folded.start(unsure))

    def release(self, look: Look, count: int) -> None:
        self._resume = max(self._resume - count, 0)
        for match in look.matches:
            if match.start < count or match.continued:
                self._resume = max(match.end - count, 0)
                self._inside = match.opened
        if self._inside:
            self._resume = 0

    def _may_be_in(self, text: str) -> bool:
        needs = self._pattern.needs
        return not needs or any(need in text for need in needs)

    def _end_of(self, text: str, at: int, *, final: bool) -> tuple[int, bool]:
        """Where a match ends whose head ends at ``at``, and whether it may still go on."""
        tail = self._pattern.tail
        if tail is None:
            return at, False
        if self._pattern.ends_with is not None:
            found = tail.search(text, at)
            return (len(text), not final) if found is None else (found.end(), False)
        run = tail.match(text, at)
        end = at if run is None else run.end()
        return end, end == len(text) and not final

    def _raw_end(self, view: View, at: int, *, opened: bool) -> int:
        """Where in the raw text a match ends, ``at`` being its end in the folded one.

        To a run belong the invisible characters behind it: while it may go on nobody can tell
        whether they stand behind it or in it.
        """
        if opened or (self._pattern.goes_on and at == len(view.plain.text)):
            return len(view.raw)
        return view.plain.start(at) if self._pattern.goes_on else view.plain.end(at)

    def _footer(self, folded: Folded, at: int, *, final: bool) -> int | None:
        """From where on the end of an open match may have begun."""
        begun, last = self._pattern.tail_begun, self._pattern.ends_with
        if begun is None or last is None or final:
            return None
        found = begun.search(folded.text, max(at, len(folded.text) - longest(last)))
        if found is None or found.start() == len(folded.text):
            return None
        return folded.start(found.start())
