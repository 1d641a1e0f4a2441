"""The answers of one stream, each field of each choice behind a window of its own."""

from collections.abc import Callable, Sequence
from typing import Any

from pilotlight_transformer.safety.finding import Detector, Rule
from pilotlight_transformer.safety.places import ANSWER_PLAIN, JSON_TEXTS, TOKENS, cleaned, is_fixed
from pilotlight_transformer.safety.window import Window

FILTERED = "content_filter"
"""OpenAI's reason for an answer that a filter has ended."""

_BASE = ("id", "object", "created", "model", "system_fingerprint")
# These come whole, and clients need them at once.
_AT_ONCE = frozenset({"id", "name", "role", "type"})

Path = tuple[str | int, ...]


class Stream:
    """Cleans the events of a stream.

    Args:
        detectors: What to look for.
        found: Called with the rule of each thing that is found.

    Attributes:
        refused: The rule that has ended it.
    """

    def __init__(self, detectors: Sequence[Detector], found: Callable[[Rule], None]) -> None:
        self._detectors = detectors
        self._found = found
        self._windows: dict[int, dict[Path, Window]] = {}
        self._base: dict[str, Any] = {}
        self.refused: Rule | None = None

    def event(self, document: dict[str, Any]) -> dict[str, Any] | None:
        """What goes on of an event; ``None``: nothing yet."""
        if self.refused is not None:
            return None
        choices = document.get("choices")
        out = {
            key: value if key in ANSWER_PLAIN else cleaned(value, self._at_once)
            for key, value in document.items()
            if key not in TOKENS and key != "choices"
        }
        if not isinstance(choices, list):
            return None if self.refused else out
        self._base = {key: out[key] for key in _BASE if key in out}
        passing = [self._choice(choice) for choice in choices if isinstance(choice, dict)]
        out["choices"] = passing
        if self.refused is not None:
            return self._ended(passing)
        # What had something to say, and has nothing left to say for now, need not go out.
        said = any(_says(choice) for choice in choices if isinstance(choice, dict))
        silent = said and not out.get("usage") and not any(map(_says, passing))
        return None if silent else out

    def last(self) -> dict[str, Any] | None:
        """What was still held back, as an event; ``None`` if it is nothing."""
        if self.refused is not None:
            return None
        choices = []
        for index, windows in self._windows.items():
            choice: dict[str, Any] = {"index": index, "finish_reason": None}
            if self._flush(choice, windows):
                choices.append(choice)
        if self.refused is not None:
            return self._ended(choices)
        return {**self._base, "choices": choices} if choices else None

    def _choice(self, choice: dict[str, Any]) -> dict[str, Any]:
        index = choice.get("index")
        windows = self._windows.setdefault(index if isinstance(index, int) else 0, {})
        out: dict[str, Any] = {}
        for key, value in choice.items():
            if key in TOKENS:
                out[key] = None
            elif key in {"delta", "text", "message"}:
                out[key] = self._value(value, (key,), windows)
            elif is_fixed(key, value):
                out[key] = value
            else:
                out[key] = cleaned(value, self._at_once)
        if choice.get("finish_reason") is not None:
            self._flush(out, windows)
        return out

    def _value(self, value: Any, path: Path, windows: dict[Path, Window]) -> Any:
        if isinstance(value, str):
            window = windows.get(path)
            if window is None:
                json = path[-1] in JSON_TEXTS
                window = windows[path] = Window(self._detectors, self._found, json=json)
            text = window.feed(value)
            self.refused = self.refused or window.refused
            return text
        if isinstance(value, dict):
            return {
                key: self._field(key, inner, path, windows)
                for key, inner in value.items()
                if key not in TOKENS
            }
        if isinstance(value, list):
            return [
                self._value(item, (*path, _index(item, at)), windows)
                for at, item in enumerate(value)
            ]
        return value

    def _field(self, key: str, value: Any, path: Path, windows: dict[Path, Window]) -> Any:
        if is_fixed(key, value):
            return value
        if key in _AT_ONCE and isinstance(value, str):
            return self._at_once(value)
        return self._value(value, (*path, key), windows)

    def _at_once(self, text: str, *, json: bool = False) -> str:
        window = Window(self._detectors, self._found, json=json)
        clean = window.whole(text)
        self.refused = self.refused or window.refused
        return clean

    def _flush(self, choice: dict[str, Any], windows: dict[Path, Window]) -> bool:
        """Put what the windows hold into a choice; whether it was anything."""
        some = False
        for path, window in windows.items():
            rest = window.flush()
            self.refused = self.refused or window.refused
            if rest:
                _append(choice, path, rest)
                some = True
        return some

    def _ended(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        """The last event of an answer that was refused: for every choice there is."""
        texts = any(path[0] == "text" for windows in self._windows.values() for path in windows)
        seen = {choice.get("index", 0): choice for choice in choices}
        for index in self._windows:
            empty: dict[str, Any] = {"text": ""} if texts else {"delta": {}}
            seen.setdefault(index, {"index": index, **empty})
        for choice in seen.values():
            choice["finish_reason"] = FILTERED
        return {**self._base, "choices": list(seen.values())}


def _says(choice: dict[str, Any]) -> bool:
    """Whether anything is in it that its client waits for."""
    if choice.get("finish_reason") is not None:
        return True
    return any(_texts(choice.get(key)) for key in ("delta", "text", "message"))


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in _texts(one)]


def _index(item: Any, at: int) -> int:
    index = item.get("index") if isinstance(item, dict) else None
    return index if isinstance(index, int) else at


def _append(choice: dict[str, Any], path: Path, text: str) -> None:
    """Add a text at its place in a choice, which is made where it is missing."""
    place: Any = choice
    for at, key in enumerate(path[:-1]):
        nested: Any = [] if isinstance(path[at + 1], int) else {}
        if isinstance(key, int):
            found = next((one for n, one in enumerate(place) if _index(one, n) == key), None)
            if not isinstance(found, type(nested)):
                found = nested if isinstance(nested, list) else {"index": key}
                place.append(found)
            place = found
        else:
            if not isinstance(place.get(key), type(nested)):
                place[key] = nested
            place = place[key]
    last = path[-1]
    if isinstance(last, int):
        place.append(text)
    else:
        before = place.get(last)
        place[last] = (before if isinstance(before, str) else "") + text
