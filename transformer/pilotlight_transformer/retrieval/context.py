"""What a model gets to see of the documents, and what a client is told about it."""

import re
from collections.abc import Sequence
from typing import Any, Literal

from pilotlight_transformer.retrieval.document import Found

Message = dict[str, Any]

SOURCE_TOKENS = 16
"""About what the frame of a source costs."""

_PROMPT_ROLES = ("system", "developer")
_FRAME = re.compile(r"<(?=/?source)", re.IGNORECASE)
_CONTROL = re.compile(
    r"<(?=\||/?s>|<SYS>>|</SYS>>|(?:start|end)_of_turn>)|\[(?=/?INST\])", re.IGNORECASE
)


def question_of(messages: object, most: int) -> str | None:
    """The text of the last message of the user, its end if it is long.

    ``None``: there is none, or these are no messages, which is for others to refuse.
    """
    if not isinstance(messages, list) or not all(map(_is_message, messages)):
        return None
    for message in reversed(messages):
        if message.get("role") == "user":
            return _text(message.get("content")).strip()[-most:] or None
    return None


def _is_message(message: object) -> bool:
    return isinstance(message, dict) and isinstance(message.get("content"), str | list | None)


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "\n".join(text for text in texts if isinstance(text, str))


def within_budget(found: Sequence[Found], max_tokens: int, min_score: float) -> list[Found]:
    """Those that are near enough and fit, best first; a smaller one may fit after a larger one."""
    left = max_tokens
    chosen: list[Found] = []
    for near in found:
        cost = near.chunk.tokens + SOURCE_TOKENS
        if near.score >= min_score and cost <= left:
            chosen.append(near)
            left -= cost
    return chosen


def written(sources: Sequence[Found], instructions: str) -> str:
    """The sources as the model reads them: framed, numbered, and unable to leave their frame."""
    frames = [
        f'<source n="{number}" title="{_attribute(found.title)}">\n'
        f"{_harmless(found.chunk.text)}\n</source>"
        for number, found in enumerate(sources, 1)
    ]
    return "\n".join([instructions, "", *frames])


def _attribute(title: str) -> str:
    return _harmless(" ".join(title.split())[:200]).replace('"', "'").replace(">", " ")


def _harmless(text: str) -> str:
    """Without what ends the frame, and without what chat templates mark roles with."""
    return _CONTROL.sub(lambda mark: mark[0] + " ", _FRAME.sub("< ", text))


def inserted(messages: list[Message], text: str, place: Literal["system", "user"]) -> list[Message]:
    """The messages with the sources among them. No message of ``messages`` is changed."""
    if place == "system":
        first = messages[0]
        if first.get("role") in _PROMPT_ROLES:
            return [_joined(first, text, behind=True), *messages[1:]]
        return [{"role": "system", "content": text}, *messages]
    at = max(i for i, message in enumerate(messages) if message.get("role") == "user")
    return [*messages[:at], _joined(messages[at], text, behind=False), *messages[at + 1 :]]


def _joined(message: Message, text: str, *, behind: bool) -> Message:
    content = message.get("content") or ""
    if isinstance(content, list):
        part = {"type": "text", "text": text}
        return {**message, "content": [*content, part] if behind else [part, *content]}
    pieces = [str(content), text] if behind else [text, str(content)]
    return {**message, "content": "\n\n".join(piece for piece in pieces if piece)}


def citations(sources: Sequence[Found]) -> list[dict[str, Any]]:
    """What a client is told: the numbers that stand in the answer, and where they lead."""
    return [
        {
            "n": number,
            "document": found.document,
            "title": found.title,
            "chunk": found.chunk.number,
            "score": round(found.score, 4),
        }
        for number, found in enumerate(sources, 1)
    ]
