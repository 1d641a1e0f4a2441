"""What the rollouts' controller does: the leader acts, every replica admits."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import aiohttp
from prometheus_client import CollectorRegistry

from pilotlight.controller.fence import Fence
from pilotlight.controller.process import Surroundings
from pilotlight.controller.server import listen
from pilotlight.kube.document import Kind
from pilotlight_canary.controller.admitting import Admitting
from pilotlight_canary.controller.assembly import keeper_of
from pilotlight_canary.controller.gauges import Gauges
from pilotlight_canary.controller.operator import WATCHED, operate
from pilotlight_canary.controller.settings import ControllerSettings

logger = logging.getLogger(__name__)


class RolloutDuty:
    """One replica's.

    Args:
        settings: What the process was told.
        surroundings: The cluster, and who leads.
    """

    def __init__(self, settings: ControllerSettings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._around = surroundings
        self._gauges = Gauges(surroundings.is_leading)
        self._admitting = None
        if settings.admission_port is not None:
            namespace = surroundings.target.namespace
            self._admitting = Admitting(settings, surroundings.cluster, namespace)

    @property
    def registry(self) -> CollectorRegistry:
        """Its metrics."""
        return self._gauges.registry

    @property
    def watched(self) -> Sequence[Kind]:
        """Kinds that the cluster has to serve."""
        return WATCHED

    def obstacle(self) -> str:
        """Why a replica is not ready; empty: it is."""
        if self._admitting is not None and not self._admitting.certificate.is_there:
            return "there is no certificate for the webhooks yet"
        return ""

    async def answer(self, stack: contextlib.AsyncExitStack) -> None:
        """Listen for the API server's questions."""
        settings, admitting = self._settings, self._admitting
        if admitting is None or settings.admission_port is None:
            return
        following = asyncio.create_task(admitting.certificate.follow())
        stack.callback(following.cancel)
        webhooks, port = await listen(
            admitting.application(),
            settings.host,
            settings.admission_port,
            admitting.certificate.context,
        )
        stack.push_async_callback(webhooks.cleanup)
        logger.info("admitting on port %d", port, extra={"admission_port": port})

    async def lead(self, cluster: Fence, stop: asyncio.Event) -> None:
        """Carry rollouts out until told to stop."""
        settings, around = self._settings, self._around
        enrolment = self._admitting.enrolment(cluster) if self._admitting else None
        upkeep = asyncio.create_task(enrolment.keep()) if enrolment else None
        pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="look")
        try:
            async with aiohttp.ClientSession() as session:
                keeper = keeper_of(
                    settings, cluster, self._gauges, session, pool, around.clock, enrolment
                )
                await operate(around.target, keeper, settings.namespaces, stop)
        finally:
            if upkeep is not None:
                upkeep.cancel()
            pool.shutdown(wait=False, cancel_futures=True)
