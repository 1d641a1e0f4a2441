"""The answer of a chat as one message, put together from whatever comes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from pilotlight_transformer.conversations.history import Message

_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")
CALL_BYTES = 64
"""What a tool call takes besides its texts."""


def message_of(document: Mapping[str, Any]) -> Message | None:
    """The message of a whole answer; ``None`` if it holds none."""
    choice = _first_choice(document)
    message = choice.get("message") if choice is not None else None
    if not isinstance(message, dict):
        return None
    kept: Message = {"role": "assistant", "content": message.get("content")}
    for name in ("tool_calls", *_TEXTS[1:]):
        if message.get(name):
            kept[name] = message[name]
    return kept


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)

    def whole(self) -> dict[str, Any]:
        function = {"name": "".join(self.name), "arguments": "".join(self.arguments)}
        return {"id": self.id, "type": "function", "function": function}


def bounded(message: Message, max_bytes: int) -> tuple[Message, bool]:
    """A message within its bound, and whether it was cut: then it is the beginning of its text."""
    try:
        # As deep as a history holds it, which must be written too.
        if len(orjson.dumps([[[message]]])) <= max_bytes + len(b"[[[]]]"):
            return message, False
    except orjson.JSONEncodeError:
        pass  # a predictor's parts, nested too deeply to be kept
    content = message.get("content")
    text = content[: max_bytes // 4] if isinstance(content, str) else ""
    return {"role": "assistant", "content": text}, True


class GatheredMessage:
    """Puts a streamed answer together.

    Args:
        max_bytes: Of the text that is kept; what comes after marks the answer as cut.

    Attributes:
        began: Something of it has come.
        finished: Its last piece has come, or a step wants no more of it.
    """

    def __init__(self, max_bytes: int) -> None:
        self._room = max_bytes
        self._texts: dict[str, list[str]] = {}
        self._calls: dict[int, _Call] = {}
        self.finished = False
        self._over = False
        self.began = False

    def add(self, document: Mapping[str, Any]) -> None:
        """Take one event of the stream."""
        choice = _first_choice(document)
        if choice is None:
            return
        self.began = True
        if choice.get("finish_reason") is not None:
            self.finished = True
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return
        for name in _TEXTS:
            if isinstance(text := delta.get(name), str) and text and self._takes(text):
                self._texts.setdefault(name, []).append(text)
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                self._add_call(call)

    def _takes(self, text: str) -> bool:
        self._room -= len(text)
        if self._room < 0:
            self._over = True
        return not self._over

    def _add_call(self, delta: dict[str, Any]) -> None:
        index = delta.get("index")
        if not isinstance(index, int):
            return
        function = delta.get("function")
        said = function if isinstance(function, dict) else {}
        if index not in self._calls:
            if not self._takes(" " * CALL_BYTES):
                return
            self._calls[index] = _Call()
        call = self._calls[index]
        if isinstance(identity := delta.get("id"), str):
            call.id = identity
        for name, parts in (("name", call.name), ("arguments", call.arguments)):
            text = said.get(name)
            if isinstance(text, str) and self._takes(text):
                parts.append(text)

    def message(self, *, ended: bool) -> tuple[Message, bool]:
        """The message, and whether it is cut: then without tool calls, which may be halves.

        Args:
            ended: The stream came to its end, as far as the transport knows.
        """
        cut = self._over or not (ended and self.finished)
        texts = {name: "".join(parts) for name, parts in self._texts.items()}
        message: Message = {"role": "assistant", "content": texts.pop("content", None)}
        if self._calls and not cut:
            message["tool_calls"] = [self._calls[index].whole() for index in sorted(self._calls)]
        elif message["content"] is None:
            message["content"] = ""
        return message | texts, cut


def _first_choice(document: Mapping[str, Any]) -> dict[str, Any] | None:
    choices = document.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and choice.get("index", 0) == 0:
            found: dict[str, Any] = choice
            return found
    return None
