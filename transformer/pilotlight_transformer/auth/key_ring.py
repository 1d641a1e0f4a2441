"""All keys that are known now, found by their hash without asking any store."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from pilotlight.clock import Clock
from pilotlight.errors import Unavailable, UsageError
from pilotlight_transformer.auth.api_keys import ApiKey
from pilotlight_transformer.auth.freshness import Freshness
from pilotlight_transformer.auth.key_database import KeyDatabase
from pilotlight_transformer.auth.key_file import read_key_file
from pilotlight_transformer.auth.refreshed import CannotFetch, Refreshed
from pilotlight_transformer.auth.verified import Verified

logger = logging.getLogger(__name__)

AGAIN_S = 0.25
"""Unknown keys make a store be asked so often at most."""
FETCH_S = 6.0
"""Deadline of reading a store: a little more than SQLite waits for another process."""

Callers = Mapping[bytes, Verified | None]
"""Who holds the key of a hash; ``None``: the key is revoked."""


def callers(keys: Iterable[ApiKey]) -> Callers:
    """Index keys by their hash."""
    return {
        bytes.fromhex(key.sha256): None if key.revoked is not None else key.caller() for key in keys
    }


class Shelf(Protocol):
    """A store of keys."""

    @property
    def what(self) -> str:
        """In logs and refusals."""
        ...

    async def read(self) -> Callers:
        """All of its keys; the same object if nothing has changed.

        Raises:
            CannotFetch: It cannot be read.
        """
        ...


class DatabaseShelf:
    """The keys of the embedded database."""

    what = "the database of keys"

    def __init__(self, keys: KeyDatabase) -> None:
        self._keys = keys
        self._version: object = None
        self._callers: Callers = {}

    async def read(self) -> Callers:
        """All keys, read anew only if somebody has written."""
        try:
            version = await self._keys.version()
            if version != self._version:
                found = await self._keys.all()
                self._callers = await asyncio.to_thread(callers, found)
                self._version = version
        except Unavailable as error:
            raise CannotFetch(type(error.__cause__).__name__) from error
        return self._callers


class FileShelf:
    """The keys of a file, which whoever owns it replaces as a whole."""

    what = "the file of keys"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._callers: Callers = {}

    async def read(self) -> Callers:
        """All keys, read anew only if the file is another one."""
        try:
            return await asyncio.to_thread(self._read)
        except UsageError as error:
            raise CannotFetch(str(error)) from error

    def _read(self) -> Callers:
        try:
            status = self._path.stat()
        except OSError as error:
            raise UsageError(f"{self._path}: {error.strerror}") from None
        seen = (status.st_ino, status.st_mtime_ns, status.st_size)
        if seen != self._seen:
            self._callers = callers(read_key_file(self._path))
            self._seen = seen
        return self._callers


class KeyRing:
    """Looks keys up in memory; the stores are read every few seconds, beside the requests.

    Args:
        fixed: Keys of the settings.
        shelves: Stores, which may be empty.
        refresh_s: How long a revocation takes at most to be seen here.
        stale_s: How long keys still work while their store cannot be read.
    """

    def __init__(
        self,
        fixed: Callers,
        shelves: Iterable[Shelf],
        clock: Clock,
        refresh_s: float,
        stale_s: float,
    ) -> None:
        self._fixed = fixed
        self._shelves = [
            Refreshed(
                shelf.what,
                shelf.read,
                Freshness(refresh_s, stale_s, retry_s=refresh_s, again_s=AGAIN_S),
                clock,
                FETCH_S,
            )
            for shelf in shelves
        ]

    async def start(self) -> None:
        """Read all stores, and keep reading them."""
        for shelf in self._shelves:
            await shelf.start()

    async def stop(self) -> None:
        """Stop reading."""
        for shelf in self._shelves:
            await shelf.stop()

    def find(self, digest: bytes) -> Verified | None:
        """Who holds a key; nobody, if any store says that it is revoked.

        Raises:
            Unavailable: It is in no store that could be read, and one could not.
        """
        found = self._fixed.get(digest)
        unreadable: Unavailable | None = None
        for shelf in self._shelves:
            try:
                known = shelf.get()
            except Unavailable as error:
                unreadable = error
                continue
            if digest in known:
                held = known[digest]
                if held is None:
                    return None
                found = found or held
        if found is None and unreadable is not None:
            raise unreadable
        return found

    async def find_again(self, digest: bytes) -> Verified | None:
        """Look once more, after reading stores that were not read a moment ago: it may be new."""
        asked = [await shelf.ask_again() for shelf in self._shelves]
        return self.find(digest) if any(asked) else None
