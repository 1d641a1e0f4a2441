"""A binary heap from which any item can be taken out."""

import heapq
from typing import Generic, TypeVar

T = TypeVar("T")

_SPARE_ENTRIES = 16


class Heap(Generic[T]):
    """Hashable items in the order of their keys; equal keys in the order of arrival.

    ``push`` and ``pop`` take O(log n), ``discard`` O(1) amortised: an entry that was taken
    out stays until it surfaces or until such entries outnumber the live ones.
    """

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, T]] = []
        self._live: dict[T, tuple[float, int]] = {}
        self._pushes = 0

    def __len__(self) -> int:
        return len(self._live)

    def __contains__(self, item: T) -> bool:
        return item in self._live

    def push(self, item: T, key: float) -> None:
        """Add an item, or move it to another key (behind the equal ones there)."""
        self._pushes += 1
        self._live[item] = (key, self._pushes)
        heapq.heappush(self._entries, (key, self._pushes, item))
        self._compact()

    def discard(self, item: T) -> None:
        """Take an item out, if it is there."""
        if self._live.pop(item, None) is not None:
            self._compact()

    def first(self) -> tuple[float, T] | None:
        """The smallest key and its item; they stay."""
        while self._entries:
            key, push, item = self._entries[0]
            if self._live.get(item) == (key, push):
                return key, item
            heapq.heappop(self._entries)
        return None

    def _compact(self) -> None:
        if len(self._entries) > 2 * len(self._live) + _SPARE_ENTRIES:
            self._entries = [(key, push, item) for item, (key, push) in self._live.items()]
            heapq.heapify(self._entries)
