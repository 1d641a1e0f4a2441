"""Where the commands of ``pilotlight keys`` keep keys: the database, or a file."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import ValidationError

from pilotlight.errors import OperationError, Unavailable, UsageError
from pilotlight_transformer.auth.api_keys import ApiKey, new_key
from pilotlight_transformer.auth.key_database import NAME, KeyDatabase
from pilotlight_transformer.auth.key_file import change_key_file, read_key_file
from pilotlight_transformer.stores.database import Database
from pilotlight_transformer.stores.stores import StoreSettings

T = TypeVar("T")

_SPAN = re.compile(r"([1-9][0-9]{0,5})([hd])")


class KeyStore(Protocol):
    """What the commands need of a store."""

    @property
    def place(self) -> str:
        """Where it is, for people."""
        ...

    def add(self, key: ApiKey) -> None:
        """Store a key."""
        ...

    def revoke(self, key_id: str, now: datetime) -> bool:
        """Revoke a key; whether there is such a one."""
        ...

    def all(self, tenant: str | None) -> list[ApiKey]:
        """The keys of one tenant, or of all."""
        ...


class DatabaseKeys:
    """The database that running servers of this machine or pod share."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{NAME}.db"

    @property
    def place(self) -> str:
        """The file."""
        return str(self._path)

    def add(self, key: ApiKey) -> None:
        """Store a key; it is on disk then."""
        self._run(lambda keys: keys.add(key))

    def revoke(self, key_id: str, now: datetime) -> bool:
        """Revoke a key; it is on disk then."""
        return self._run(lambda keys: keys.revoke(key_id, now))

    def all(self, tenant: str | None) -> list[ApiKey]:
        """The keys, the oldest first."""
        return self._run(lambda keys: keys.all(tenant))

    def _run(self, work: Callable[[KeyDatabase], Awaitable[T]]) -> T:
        try:
            return asyncio.run(self._open_and(work))
        except Unavailable as error:
            raise OperationError(error.message) from None

    async def _open_and(self, work: Callable[[KeyDatabase], Awaitable[T]]) -> T:
        database = Database(self._path)
        try:
            keys = KeyDatabase(database)
            await keys.make()
            return await work(keys)
        finally:
            await database.close()


class FileKeys:
    """A file of hashes, to be mounted as a Secret."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def place(self) -> str:
        """The file."""
        return str(self._path)

    def add(self, key: ApiKey) -> None:
        """Write a key into the file, which is replaced whole."""
        change_key_file(self._path, lambda keys: (*keys, key))

    def revoke(self, key_id: str, now: datetime) -> bool:
        """Mark a key as revoked; it keeps its first time."""
        if all(key.id != key_id for key in read_key_file(self._path)):
            return False
        change_key_file(
            self._path,
            lambda keys: tuple(
                key.model_copy(update={"revoked": key.revoked or now}) if key.id == key_id else key
                for key in keys
            ),
        )
        return True

    def all(self, tenant: str | None) -> list[ApiKey]:
        """The keys in the order of the file."""
        return [key for key in read_key_file(self._path) if tenant in {None, key.tenant}]


def opened(folder: Path | None, file: Path | None, *, writes: bool = False) -> KeyStore:
    """The store that is meant.

    Args:
        writes: It may be made if it is missing.

    Raises:
        UsageError: Two are meant, or the one that is meant is not there.
    """
    if file is not None and folder is not None:
        raise UsageError("give either --folder (the database) or --file, not both")
    if file is not None:
        there, store = file.exists() or (writes and file.parent.is_dir()), FileKeys(file)
        if not there:
            raise UsageError(f"there is no file {file}: `pilotlight keys create --file` makes one")
        return store
    database = DatabaseKeys(folder or StoreSettings().folder)
    if not writes and not Path(database.place).is_file():
        raise UsageError(
            f"there is no database {database.place}: give --folder the pipeline's `stores.folder`, "
            "or --file"
        )
    return database


def make_key(
    store: KeyStore | None,
    tenant: str,
    name: str,
    scopes: tuple[str, ...],
    now: datetime,
    expires: datetime | None,
) -> tuple[str, ApiKey]:
    """Make a key, and put it into a store if there is one.

    Raises:
        UsageError: The tenant, the name or a scope cannot be used.
    """
    try:
        key, stored = new_key(tenant, name, scopes, now, expires)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        message = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"{'.'.join(str(part) for part in first['loc'])}: {message}") from None
    if store is not None:
        store.add(stored)
    return key, stored


def validity(text: str, now: datetime) -> datetime:
    """When a key ends: after a span, or at a date (at midnight UTC if it has no time).

    Raises:
        UsageError: It is neither, or in the past.
    """
    span = _SPAN.fullmatch(text)
    try:
        if span is not None:
            hours = int(span[1]) * (24 if span[2] == "d" else 1)
            ends = now + timedelta(hours=hours)
        else:
            ends = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(
            f"--expires {text}: write a span such as 12h or 90d, or a date such as 2030-01-31"
        ) from None
    ends = ends.replace(tzinfo=UTC) if ends.tzinfo is None else ends.astimezone(UTC)
    if ends <= now:
        raise UsageError(f"--expires {text} is in the past")
    return ends.replace(microsecond=0)
