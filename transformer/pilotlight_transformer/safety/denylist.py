"""Words that must not be there, found all at once (Aho and Corasick, CACM 18(6), 1975)."""

from collections.abc import Iterable

import ahocorasick

from pilotlight_transformer.safety.finding import Look, Match, Rule
from pilotlight_transformer.safety.folding import View, caseless

LONGEST = 256
"""Of a word, in characters; so much of a stream may be held back."""

_UNSPACED = (
    range(0x0E00, 0x0F00),
    range(0x1100, 0x1200),
    range(0x3040, 0x3200),
    range(0x3400, 0xA000),
    range(0x20000, 0x30000),
)
"""Thai, Lao, Hangul, kana and Han: words there stand side by side."""


class DenyList:
    """A rule's words.

    Raises:
        ValueError: A word has nothing that is seen, or is too long.
    """

    def __init__(self, rule: Rule, words: Iterable[str], *, whole_words: bool = True) -> None:
        self.rule = rule
        self.whole_words = whole_words
        self.automaton = ahocorasick.Automaton()
        self.longest = 0
        firsts = set()
        for word in words:
            folded = caseless(word).strip()
            if not folded:
                raise ValueError(f"the deny-list {rule.name} has a word in which nothing is seen")
            if len(folded) > LONGEST:
                raise ValueError(
                    f"a word of the deny-list {rule.name} is over {LONGEST} characters"
                )
            self.automaton.add_word(folded, len(folded))
            self.longest = max(self.longest, len(folded))
            firsts.add(folded[0])
        if not firsts:
            raise ValueError(f"the deny-list {rule.name} is empty: give it words, or take it away")
        self.firsts = frozenset(firsts)
        self.automaton.make_automaton()

    def search(self) -> "DenySearch":
        """A search through a new text."""
        return DenySearch(self)


class DenySearch:
    """A deny-list's search; see :class:`~pilotlight_transformer.safety.finding.Search`."""

    __slots__ = ("_words", "rule")

    def __init__(self, words: DenyList) -> None:
        self._words = words
        self.rule = words.rule

    def look(self, view: View, *, final: bool) -> Look:
        folded, words = view.caseless, self._words
        text, skip = folded.text, folded.skip
        matches = []
        for last, length in words.automaton.iter(text[skip:] if skip else text):
            end = last + skip + 1
            start = end - length
            if not words.whole_words or (_edge(text, start) and _edge(text, end)):
                matches.append(Match(folded.start(start), folded.end(end)))
        unsure = None if final else self._unsure(text, skip)
        return Look(matches, None if unsure is None else folded.start(unsure))

    def release(self, look: Look, count: int) -> None:
        """Nothing to keep: every match is a match, wherever others are."""

    def _unsure(self, text: str, skip: int) -> int | None:
        words = self._words
        for start in range(max(skip, len(text) - words.longest), len(text)):
            if (
                text[start] in words.firsts
                and words.automaton.match(text[start:])
                and (not words.whole_words or _edge(text, start))
            ):
                return start
        return None


def _edge(text: str, at: int) -> bool:
    """Whether a word may begin or end at ``at``."""
    return not (0 < at < len(text) and _is_word(text[at - 1]) and _is_word(text[at]))


def _is_word(char: str) -> bool:
    return (char.isalnum() or char == "_") and not any(ord(char) in part for part in _UNSPACED)
