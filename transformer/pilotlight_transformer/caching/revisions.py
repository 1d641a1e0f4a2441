"""Which revisions answer at present, as far as their answers tell."""

from collections import OrderedDict

from pilotlight_transformer.caching.entry import Origin

MAX_ORIGINS = 1_000
MAX_REVISIONS = 16


class Revisions:
    """When each revision's last answer was seen. Times are arguments, in Unix seconds.

    Args:
        memory_s: How long a revision counts as answering after its last answer.
    """

    def __init__(self, memory_s: float) -> None:
        self.memory_s = memory_s
        self._seen: OrderedDict[Origin, dict[str, float]] = OrderedDict()

    def see(self, origin: Origin, revision: str, at: float) -> None:
        """An answer of ``revision`` was there at ``at``."""
        seen = self._seen.setdefault(origin, {})
        self._seen.move_to_end(origin)
        seen[revision] = max(at, seen.get(revision, at))
        if len(seen) > MAX_REVISIONS:
            del seen[min(seen, key=lambda name: seen[name])]
        if len(self._seen) > MAX_ORIGINS:
            self._seen.popitem(last=False)

    def answering(self, origin: Origin, now: float) -> frozenset[str]:
        """The revisions whose answers were seen within the memory."""
        seen = self._seen.get(origin, {})
        return frozenset(name for name, at in seen.items() if now - at < self.memory_s)

    def may_answer(self, origin: Origin, revision: str, now: float) -> bool:
        """Whether an answer that ``revision`` made may be given again.

        Only while it is known to be the only one that answers: in a rollout, no kept answer of
        either side is given, so that neither gets a larger share than it was meant to have. An
        answer without revision may, until a revision shows up.
        """
        return self.answering(origin, now) == ({revision} if revision else frozenset())
