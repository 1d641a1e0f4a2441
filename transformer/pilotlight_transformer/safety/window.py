"""A text that comes in pieces: nothing goes out of which a filter might still say no."""

from collections.abc import Callable, Sequence

from pilotlight_transformer.safety.escapes import unescaped, unfinished
from pilotlight_transformer.safety.finding import Action, Detector, Look, Match, Rule, Search
from pilotlight_transformer.safety.folding import View

MOST_HELD = 4096
"""Characters held back at most. What cannot be decided by then is redacted: only invisible
characters or white space without end can make a beginning so long."""
TOO_LONG = "[redacted]"


class Window:
    """Holds back the end of a text until every search is sure of it.

    What goes out is the same however the text was cut, and never a part of what was redacted.

    Args:
        detectors: In order; the first one names what several have found in the same place.
        found: Called with the rule of each thing that is found, in order.
        json: The text is JSON: it is read as what its escapes mean, and stays JSON.

    Attributes:
        refused: The rule that does not let the text pass; nothing goes out any more.
    """

    __slots__ = ("_before", "_covered", "_found", "_held", "_json", "_searches", "refused")

    def __init__(
        self, detectors: Sequence[Detector], found: Callable[[Rule], None], *, json: bool = False
    ) -> None:
        self._searches = [detector.search() for detector in detectors]
        self._found = found
        self._json = json
        self._held = ""
        self._before = ("", "")
        self._covered = 0
        self.refused: Rule | None = None

    def feed(self, text: str) -> str:
        """Take a piece, and return what may go out now."""
        return self._pass(text, final=False) if text else ""

    def whole(self, text: str) -> str:
        """A text that is there whole."""
        return self._pass(text, final=True)

    def flush(self) -> str:
        """The text is over: return the rest of it. The window can then take a new one."""
        return self._pass("", final=True)

    def _pass(self, text: str, *, final: bool) -> str:
        if self.refused is not None:
            return ""
        came = self._held + text
        begun = unfinished(came) if self._json and not final else 0
        raw, places = _read(came[: len(came) - begun], json=self._json)
        view = View(raw, self._before)
        looks = [(search, search.look(view, final=final)) for search in self._searches]
        unsure = [look.unsure_from for _, look in looks if look.unsure_from is not None]
        sure = min(unsure, default=len(raw))
        out = [
            part if isinstance(part, str) else came[places[part[0]] : places[part[1]]]
            for part in self._cleaned(looks, sure)
        ]
        for search, look in looks:
            search.release(look, sure)
        if sure:
            self._before = view.before(sure)
        self._held = came[places[sure] :]
        if len(self._held) > MOST_HELD:
            out.append(TOO_LONG)
            for search, _ in looks:
                search.release(Look([]), len(raw) - sure)
            self._before = view.before(len(raw))
            self._held, self._covered = "", 0
        return "".join(out)

    def _cleaned(
        self, looks: Sequence[tuple[Search, Look]], sure: int
    ) -> list[str | tuple[int, int]]:
        """What goes out of the first ``sure`` characters: from where to where, or instead."""
        out: list[str | tuple[int, int]] = []
        covered = self._covered
        for start, rule, match in _in_order(looks):
            if match.continued:
                if rule.action is Action.REDACT:
                    covered = max(covered, match.end)
                continue
            if start >= sure:
                break
            self._found(rule)
            if rule.action is Action.FLAG:
                continue
            if start >= covered:
                out.append((covered, start))
            if rule.action is Action.REFUSE:
                self.refused = rule
                return out
            if start >= covered:
                out.append(rule.label)
            covered = max(covered, match.end)
        if covered < sure:
            out.append((covered, sure))
        self._covered = max(covered - sure, 0)
        return out


def _read(text: str, *, json: bool) -> tuple[str, Sequence[int]]:
    """A text as it is searched, and where its characters and its end are in it."""
    return unescaped(text) if json else (text, range(len(text) + 1))


def _in_order(looks: Sequence[tuple[Search, Look]]) -> list[tuple[int, Rule, Match]]:
    found = [
        (-1 if match.continued else match.start, order, search.rule, match)
        for order, (search, look) in enumerate(looks)
        for match in look.matches
    ]
    found.sort(key=lambda one: one[:2])
    return [(start, rule, match) for start, _, rule, match in found]
