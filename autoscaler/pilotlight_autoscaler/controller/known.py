"""Warm pools as the controller knows them: the stored status, and what became of it since."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pilotlight.api.meta import Mode
from pilotlight.api.stored import understood
from pilotlight.api.warmpool import WarmPool, WarmPoolStatus
from pilotlight.errors import ManifestError
from pilotlight.kube.document import Document

STORED_EVERY_S = 60.0
"""The books (cost, counts) are stored so often; what somebody waits for, at once."""


@dataclass(frozen=True)
class Known:
    """One pool.

    Args:
        document: As the API server has it.
        pool: Its values, with the status of the last look, stored or not.
        stored_at: When its status was last written, by the monotonic clock.
    """

    document: Document
    pool: WarmPool
    stored_at: float = float("-inf")

    @property
    def name(self) -> str:
        return self.pool.metadata.name

    @property
    def status(self) -> WarmPoolStatus:
        return self.pool.status

    @property
    def is_dry(self) -> bool:
        """It only says what it would do."""
        return self.pool.spec.mode is Mode.DRY_RUN

    def with_status(self, status: WarmPoolStatus) -> "Known":
        """After a look."""
        return replace(self, pool=self.pool.model_copy(update={"status": status}))


class Memory:
    """The pools of one namespace, from look to look."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}
        self._faults: dict[str, tuple[Document, str]] = {}

    def take(self, documents: Iterable[Document]) -> tuple[Known, ...]:
        """As they are now; what cannot be understood is left out, see :meth:`faults`."""
        before, self._known, self._faults = self._known, {}, {}
        for document in documents:
            name = document["metadata"]["name"]
            try:
                self._known[name] = _taken(document, before.get(name))
            except ManifestError as error:
                self._faults[name] = (document, str(error))
        return tuple(self._known.values())

    def put(self, known: Known) -> None:
        """What a look has come to."""
        self._known[known.name] = known

    @property
    def pools(self) -> tuple[WarmPool, ...]:
        """Of the last look."""
        return tuple(known.pool for known in self._known.values())

    @property
    def faults(self) -> Mapping[str, tuple[Document, str]]:
        """Those that cannot be understood, with the reason."""
        return self._faults


def _taken(document: Document, before: Known | None) -> Known:
    pool = understood(WarmPool, document)
    if before is None:
        return Known(document, pool)
    found = Known(document, pool, before.stored_at)
    is_same = before.document["metadata"].get("uid") == document["metadata"].get("uid")
    # What somebody else has stored since (the fail-safe) is gone on from instead.
    if is_same and before.document.get("status") == document.get("status"):
        return found.with_status(before.status)
    return found


def observed(known: Known, status: WarmPoolStatus) -> WarmPoolStatus:
    """A status that says of which generation it is."""
    generation = known.pool.metadata.generation
    marked = [
        one.model_copy(update={"observed_generation": generation}) for one in status.conditions
    ]
    return status.model_copy(
        update={"observed_generation": generation, "conditions": tuple(marked)}
    )
