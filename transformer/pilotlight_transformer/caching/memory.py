"""Answers kept in the process: the least recently used one goes first."""

from collections import OrderedDict

from pilotlight_transformer.caching.entry import Entry


class Memory:
    """Entries within a bound of bytes and of age. Times are arguments, in seconds.

    Args:
        max_bytes: Of all entries together.
        ttl_s: After which an entry is forgotten.
    """

    def __init__(self, max_bytes: int, ttl_s: float) -> None:
        self._max_bytes = max_bytes
        self._ttl_s = ttl_s
        self._entries: OrderedDict[str, tuple[float, Entry]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str, now: float) -> Entry | None:
        """The entry of ``key``, if it is there and not too old."""
        found = self._entries.get(key)
        if found is None:
            return None
        if now >= found[0]:
            self.drop(key)
            return None
        self._entries.move_to_end(key)
        return found[1]

    def put(self, entry: Entry, now: float, ttl_s: float | None = None) -> None:
        """Keep an entry; others make room for it. One over the whole bound is not kept."""
        self.drop(entry.key)
        if entry.size > self._max_bytes:
            return
        self._entries[entry.key] = (now + (self._ttl_s if ttl_s is None else ttl_s), entry)
        self.bytes += entry.size
        while self.bytes > self._max_bytes:
            self.drop(next(iter(self._entries)))

    def drop(self, key: str) -> None:
        """Forget an entry, if it is there."""
        found = self._entries.pop(key, None)
        if found is not None:
            self.bytes -= found[1].size
