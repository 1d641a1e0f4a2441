"""All namespaces with warm pools, each looked after by a loop of its own."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pilotlight.controller.news import News
from pilotlight_autoscaler.controller.rounds import Rounds

logger = logging.getLogger(__name__)
MakeRounds = Callable[[str, asyncio.Event], Rounds]


@dataclass
class _Kept:
    rounds: Rounds
    bell: asyncio.Event
    going: "asyncio.Task[None]"


@dataclass
class Keeper:
    """Begins the loops, and rings where something happened.

    Args:
        make: A loop for a namespace.
    """

    make: MakeRounds
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _news: News = field(default_factory=News)

    def saw_pool(self, document: Mapping[str, Any], *, deleted: bool = False) -> None:
        """A warm pool came, changed or went; not: its status."""
        metadata = document["metadata"]
        said = (metadata.get("generation"), metadata.get("deletionTimestamp"), deleted)
        if self._news.is_news(document, said):
            self._ring(metadata["namespace"], begin=True)
        if deleted:
            self._news.forget(document)

    def saw_service(self, document: Mapping[str, Any], *, deleted: bool = False) -> None:
        """An InferenceService came, changed or went."""
        if deleted:
            self._news.forget(document)
        elif not self._news.is_news(document, _essence(document)):
            return
        self._ring(document["metadata"]["namespace"], begin=False)

    async def stop(self) -> None:
        """End all loops; looks that are under way end by themselves, then memories are saved."""
        for kept in self._kept.values():
            kept.going.cancel()
        await asyncio.gather(*(kept.rounds.save() for kept in self._kept.values()))

    def _ring(self, namespace: str, *, begin: bool) -> None:
        kept = self._kept.get(namespace)
        if kept is None or kept.going.done():
            if not begin:
                return
            bell = asyncio.Event()
            rounds = self.make(namespace, bell)
            kept = _Kept(rounds, bell, asyncio.create_task(rounds.run(), name=namespace))
            self._kept[namespace] = kept
        kept.bell.set()


def _essence(document: Mapping[str, Any]) -> object:
    """What counts of an InferenceService: the rest of its status flickers."""
    metadata, status = document["metadata"], document.get("status") or {}
    components = {
        name: (part.get("latestReadyRevision"), part.get("latestCreatedRevision"), part["traffic"])
        for name, part in (status.get("components") or {}).items()
        if "traffic" in part
    }
    return metadata.get("generation"), metadata.get("deletionTimestamp"), str(components)
