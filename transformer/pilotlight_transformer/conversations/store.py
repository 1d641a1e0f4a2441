"""Where conversations are kept: the port, and what its adapters agree on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NewType, Protocol

from pilotlight_transformer.conversations.history import History

Holder = NewType("Holder", str)
"""Who has the turn: a name that no two turns share."""


@dataclass(frozen=True, slots=True)
class Key:
    """Whose conversation, and which one. Both parts together; neither alone finds anything."""

    tenant: str
    id: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A conversation as the store has it; version 0 has not begun."""

    version: int
    history: History


class TurnRefused(Exception):
    """The turn cannot be had.

    Attributes:
        version: Of the conversation now.
        busy: Another turn is under way; if not, the expected version is no longer the current one.
    """

    def __init__(self, version: int, *, busy: bool) -> None:
        super().__init__("busy" if busy else "outdated")
        self.version = version
        self.busy = busy


class TurnLost(Exception):
    """The turn was held too long and somebody else had it, or the conversation was deleted."""


class Conversations(Protocol):
    """A store of conversations. One turn of a conversation is under way at a time.

    Every method raises ``Unavailable`` if the store does not answer; then nothing was stored, or
    nobody knows.
    """

    async def begin(
        self, key: Key, holder: Holder, expected: int | None, lease_s: float, now: float
    ) -> Kept:
        """Take the turn for ``lease_s``, and read what was said.

        Raises:
            TurnRefused: Somebody has it, or ``expected`` is not the version.
        """
        ...

    async def commit(self, key: Key, holder: Holder, kept: Kept, ttl_s: float, now: float) -> None:
        """Store a version, durably, and give the turn back.

        Raises:
            TurnLost: The turn is not ``holder``'s any more; nothing was stored.
        """
        ...

    async def release(self, key: Key, holder: Holder) -> None:
        """Give the turn back without a word said."""
        ...

    async def renew(self, held: Mapping[Holder, Key], lease_s: float, now: float) -> None:
        """Keep turns for another ``lease_s``; those that are lost stay lost."""
        ...

    async def read(self, key: Key, now: float) -> tuple[Kept, float] | None:
        """A conversation, and when it will be forgotten; ``None`` if there is none."""
        ...

    async def delete(self, key: Key, now: float) -> bool:
        """Forget a conversation, a turn under way included; whether there was one."""
        ...
