"""The labelling queue as lines for fine-tuning."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pilotlight.errors import OperationError, UsageError
from pilotlight_transformer.feedback.packing import packed
from pilotlight_transformer.feedback.redis import RedisLabels
from pilotlight_transformer.feedback.sqlite import SqliteLabels
from pilotlight_transformer.feedback.store import Entry, Labels
from pilotlight_transformer.stores.stores import StoreSettings

BATCH = 500
_FACTS = ("response_id", "request_id", "tenant", "model", "revision", "finish_reason")
_GIVEN = ("score", "flag", "comment")


def opened(folder: Path | None, redis: str | None) -> Labels:
    """The queue that the running servers fill.

    Raises:
        UsageError: There is none.
    """
    if redis is not None:
        if folder is not None:
            raise UsageError("--folder and --redis: give one of them")
        return RedisLabels(redis)
    return SqliteLabels((folder or StoreSettings().folder) / "feedback.db")


def entries(labels: Labels, position: str) -> Iterator[tuple[str, Entry]]:
    """All that comes after a position, in order."""
    while found := labels.after(position, BATCH):
        yield from found
        position = found[-1][0]


def line(entry: Entry) -> dict[str, Any]:
    """One label as a line of a chat's training file.

    ``messages`` is the prompt, with the correction as its last message if one was given; an answer
    that was only flagged is no example to learn from, so it stands apart, in ``answer``.
    ``messages`` is null where the prompt was not kept.
    """
    answer, given, text = entry["answer"], entry["feedback"], entry.get("text")
    correction = given.get("correction")
    messages = None
    if text is not None:
        messages = list(text["messages"])
        if correction is not None:
            messages.append({"role": "assistant", "content": correction})
    return {
        "messages": messages,
        "answer": None if text is None else text["answer"],
        "correction": correction,
        **{name: answer[name] for name in _FACTS},
        **{name: given.get(name) for name in _GIVEN},
        "answered_at": answer["at"],
        "flagged_at": given["at"],
    }


class Export:
    """One pass over what a reader has not got yet.

    Args:
        labels: The queue.
        position: After which it begins.
        corrected: Only labels with a prompt and a correction.

    Attributes:
        position: How far it came.
        written: How many lines there were.
    """

    def __init__(self, labels: Labels, position: str, *, corrected: bool) -> None:
        self._labels = labels
        self._corrected = corrected
        self.position = position
        self.written = 0

    def lines(self) -> Iterator[bytes]:
        """The lines, each with its end."""
        for position, entry in entries(self._labels, self.position):
            label = line(entry)
            if not self._corrected or (label["messages"] and label["correction"] is not None):
                self.written += 1
                yield packed(label) + b"\n"
            self.position = position


def write_lines(lines: Iterable[bytes], output: Path) -> None:
    """Make a file of lines, whole or not at all; it is on disk when this returns.

    No lines make no file.

    Raises:
        UsageError: There is such a file already.
        OperationError: It cannot be written.
    """
    if output.exists():
        raise _taken(output)
    partial = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        with partial.open("xb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        if partial.stat().st_size:
            # Unlike a rename, a link takes no other file's place.
            output.hardlink_to(partial)
    except FileExistsError:
        raise _taken(output) from None
    except OSError as error:
        raise OperationError(f"{output} cannot be written: {error}") from None
    finally:
        partial.unlink(missing_ok=True)


def _taken(output: Path) -> UsageError:
    return UsageError(
        f"{output} is there already, and may hold labels that nobody has read: name another one"
    )
