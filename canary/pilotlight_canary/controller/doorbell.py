"""Changes in a rollout's surroundings make it look at once, instead of at its next interval."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pilotlight.controller.news import News
from pilotlight.kserve.names import SERVICE as OF_SERVICE
from pilotlight.kserve.names import fitting
from pilotlight_canary.kserve.names import ROLLOUT as OF_ROLLOUT
from pilotlight_canary.request import ANNOTATION

Key = tuple[str, str]
"""Namespace and name."""


@dataclass
class Doorbell:
    """One rollout's bell."""

    target: Key = ("", "")
    """The InferenceService that it watches."""
    rung: asyncio.Event = field(default_factory=asyncio.Event)


class Doorbells:
    """The bells of all rollouts; rung by what the watches see."""

    def __init__(self) -> None:
        self._bells: dict[Key, Doorbell] = {}
        self._news = News()

    def hang(self, rollout: Key) -> Doorbell:
        """A new rollout's bell."""
        self._bells[rollout] = Doorbell()
        return self._bells[rollout]

    def take_down(self, rollout: Key) -> None:
        """A rollout that is not looked after any more."""
        self._bells.pop(rollout, None)
        namespace, name = rollout
        gone = {"kind": "InferenceRollout", "metadata": {"namespace": namespace, "name": name}}
        self._news.forget(gone)

    def ring(self, rollout: Key) -> None:
        """One rollout."""
        if bell := self._bells.get(rollout):
            bell.rung.set()

    def saw_rollout(self, document: Mapping[str, Any]) -> None:
        """A rollout's spec was changed, or a person asks for something; not: its status."""
        metadata = document["metadata"]
        annotations = metadata.get("annotations") or {}
        said = (metadata.get("generation"), annotations.get(ANNOTATION))
        if self._news.is_news(document, said):
            self.ring((metadata["namespace"], metadata["name"]))

    def saw_service(self, document: Mapping[str, Any], *, deleted: bool = False) -> None:
        """An InferenceService came, changed or went."""
        metadata = document["metadata"]
        self._ring_target((metadata["namespace"], metadata["name"]))
        if deleted:
            self._news.forget(document)

    def saw_part(self, document: Mapping[str, Any], *, deleted: bool = False) -> None:
        """A Revision or Route changed: of an InferenceService, or one of our own Routes."""
        metadata = document["metadata"]
        labels = metadata.get("labels") or {}
        if deleted:
            self._news.forget(document)
        elif not self._news.is_news(document, _essence(document)):
            return
        if service := labels.get(OF_SERVICE):
            self._ring_target((metadata["namespace"], service))
        if label := labels.get(OF_ROLLOUT):
            for (namespace, name), bell in self._bells.items():
                if namespace == metadata["namespace"] and fitting(name) == label:
                    bell.rung.set()

    def _ring_target(self, target: Key) -> None:
        for bell in self._bells.values():
            if bell.target == target:
                bell.rung.set()


def _essence(document: Mapping[str, Any]) -> object:
    """What counts of a Revision or Route: the rest of its status flickers."""
    status = document.get("status") or {}
    conditions = [
        (entry.get("type"), entry.get("status"), entry.get("reason"))
        for entry in status.get("conditions") or ()
    ]
    return (
        document["metadata"].get("generation"),
        sorted(map(str, conditions)),
        str(status.get("traffic")),
    )
