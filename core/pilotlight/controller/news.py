"""Which of the many events that watches bring say something new."""

from collections.abc import Mapping
from typing import Any


class News:
    """Remembers what was last heard of each object."""

    def __init__(self) -> None:
        self._heard: dict[tuple[str, str, str], object] = {}

    def is_news(self, document: Mapping[str, Any], essence: object) -> bool:
        """Whether this says something else than what was heard of the object before.

        Args:
            document: The object.
            essence: What counts of it.
        """
        key = _key(document)
        heard, self._heard[key] = self._heard.get(key), essence
        return heard != essence

    def forget(self, document: Mapping[str, Any]) -> None:
        """An object that is gone."""
        self._heard.pop(_key(document), None)


def _key(document: Mapping[str, Any]) -> tuple[str, str, str]:
    metadata = document["metadata"]
    return str(document["kind"]), str(metadata["namespace"]), str(metadata["name"])
