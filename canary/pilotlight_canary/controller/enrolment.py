"""Whom the API server asks the webhooks about: the targets of all rollouts, and nobody else."""

import asyncio
import logging
import threading
from datetime import UTC, datetime

from pilotlight.errors import PilotlightError
from pilotlight_canary.admission.upkeep import Upkeep

logger = logging.getLogger(__name__)

INTERVAL_S = 5.0


class Enrolment:
    """Kept up all the time, and brought up to date before a rollout is looked at first.

    A rollout that says of its target which version is stable, and is ``Ready``, has thus been
    enrolled: the next change of that target is held.

    Args:
        upkeep: Of the webhooks.
    """

    def __init__(self, upkeep: Upkeep) -> None:
        self._upkeep = upkeep
        self._turn = threading.Lock()
        self._services: frozenset[str] = frozenset()
        self._said = ""

    async def keep(self) -> None:
        """Keep them up, until cancelled."""
        while True:
            await asyncio.to_thread(self._keep)
            await asyncio.sleep(INTERVAL_S)

    def ensure(self, namespace: str, service: str) -> None:
        """Have the API server ask about an InferenceService; blocking.

        What hinders it is logged: a rollout goes on without its webhook, and holds what it sees.
        """
        if f"{namespace}/{service}" not in self._services:
            self._keep()

    def _keep(self) -> None:
        with self._turn:
            try:
                kept = self._upkeep.keep(datetime.now(UTC))
            except PilotlightError as error:
                if str(error) != self._said:
                    logger.warning("the webhooks are not as they should be: %s", error)
                self._said = str(error)
            else:
                self._services = frozenset(kept.enrolled.services)
                self._said = ""
