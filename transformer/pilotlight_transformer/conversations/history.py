"""A conversation: its turns in order, and the bytes in which a store keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

Message = dict[str, Any]

PROMPT_ROLES = ("system", "developer")
"""No set, since a role may be any JSON."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation.

    Attributes:
        message: As the chat API has it.
        cut: An answer that did not come to its end.
    """

    message: Message
    cut: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """What one conversation remembers.

    Attributes:
        prompt: The system prompt, apart from the turns: it is never trimmed away.
        said: Messages in order, oldest first.
        dropped: How many older messages were let go for the bounds.
        began_at: Seconds since the epoch.
        changed_at: Likewise.
    """

    prompt: tuple[Message, ...] = ()
    said: tuple[Said, ...] = ()
    dropped: int = 0
    began_at: float = 0.0
    changed_at: float = 0.0

    def packed(self) -> bytes:
        """The bytes that a store keeps."""
        return orjson.dumps(
            {
                "prompt": self.prompt,
                "said": [[entry.message, entry.cut] for entry in self.said],
                "dropped": self.dropped,
                "began_at": self.began_at,
                "changed_at": self.changed_at,
            }
        )

    @classmethod
    def unpacked(cls, data: bytes) -> "History":
        """The other way round; no bytes are a conversation that has not begun."""
        if not data:
            return cls()
        document = orjson.loads(data)
        return cls(
            tuple(document["prompt"]),
            tuple(Said(message, cut) for message, cut in document["said"]),
            document["dropped"],
            document["began_at"],
            document["changed_at"],
        )

    def groups(self) -> list[tuple[Said, ...]]:
        """The turns that stay or go together: from one word of the user to the next.

        A tool's call, its results and the answer built on them are one turn.
        """
        groups: list[list[Said]] = []
        before = ""
        for entry in self.said:
            role = entry.message.get("role")
            if not groups or (role == "user" and before != "user"):
                groups.append([])
            groups[-1].append(entry)
            before = str(role)
        return [tuple(group) for group in groups]

    def after(self, turn: "Exchanged", now: float) -> "History":
        """With one more turn at its end."""
        said = (*self.said, *(Said(message) for message in turn.sent))
        return replace(
            self,
            prompt=turn.prompt or self.prompt,
            said=(*said, Said(turn.answer, turn.cut)),
            began_at=self.began_at or now,
            changed_at=now,
        )

    def within(self, max_messages: int, max_bytes: int) -> "History":
        """With its oldest turns let go until it fits; the newest one always stays."""
        groups = self.groups()
        sizes = [len(orjson.dumps([entry.message for entry in group])) for group in groups]
        messages, size, first = len(self.said), sum(sizes), 0
        size += len(orjson.dumps(self.prompt))
        while first < len(groups) - 1 and (messages > max_messages or size > max_bytes):
            messages -= len(groups[first])
            size -= sizes[first]
            first += 1
        if not first:
            return self
        kept = tuple(entry for group in groups[first:] for entry in group)
        return replace(self, said=kept, dropped=self.dropped + len(self.said) - len(kept))


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What one turn adds: what the client sent, and what it was answered.

    Attributes:
        prompt: The system prompt, if the client sent one.
        sent: The other messages.
    """

    sent: tuple[Message, ...]
    answer: Message = field(default_factory=dict)
    prompt: tuple[Message, ...] = ()
    cut: bool = False


def parted(messages: Sequence[Message]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """What a client sent, parted into the system prompt at its head and the rest."""
    at = next(
        (
            index
            for index, message in enumerate(messages)
            if message.get("role") not in PROMPT_ROLES
        ),
        len(messages),
    )
    return tuple(messages[:at]), tuple(messages[at:])
