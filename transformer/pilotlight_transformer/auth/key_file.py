"""Keys in a file of hashes, such as a mounted Secret, which all replicas read."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pilotlight.errors import OperationError, UsageError
from pilotlight_transformer.auth.api_keys import ApiKey

MAX_FILE_BYTES = 32 * 2**20


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[ApiKey, ...] = ()


def parse_key_file(text: str, path: Path) -> tuple[ApiKey, ...]:
    """The keys of a file's text, YAML or JSON.

    Raises:
        UsageError: It is none; the message names the place, and no value.
    """
    try:
        loaded = yaml.safe_load(text)
        keys = _Document.model_validate({} if loaded is None else loaded).keys
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"the file of keys {path}: {place}: {first['msg']}") from None
    except yaml.YAMLError:
        raise UsageError(f"the file of keys {path} is no YAML") from None
    for what in ("id", "sha256"):
        if len({getattr(key, what) for key in keys}) < len(keys):
            raise UsageError(f"the file of keys {path} has a key's {what} twice: remove one")
    return keys


def read_key_file(path: Path) -> tuple[ApiKey, ...]:
    """The keys of a file.

    Raises:
        UsageError: It cannot be read, or is no file of keys.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise UsageError(f"the file of keys {path} is over {MAX_FILE_BYTES} bytes")
        return parse_key_file(data.decode(), path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise UsageError(f"the file of keys {path} cannot be read: {reason}") from None


def key_file_text(keys: Sequence[ApiKey]) -> str:
    """The file's text."""
    entries = [key.model_dump(mode="json", exclude_none=True) for key in keys]
    return yaml.safe_dump({"keys": entries}, sort_keys=False)


def change_key_file(path: Path, change: Callable[[tuple[ApiKey, ...]], tuple[ApiKey, ...]]) -> None:
    """Read a file (none is an empty one), change its keys, and put it back in one step.

    Raises:
        UsageError: It is there and is no file of keys.
        OperationError: It cannot be written; it is as it was.
    """
    try:
        with _alone(path.parent):
            keys = read_key_file(path) if path.exists() else ()
            _replace(path, key_file_text(change(keys)))
    except OSError as error:
        raise OperationError(
            f"the file of keys {path} cannot be written: {error.strerror}: it is as it was"
        ) from None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other writers of the same folder out."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
