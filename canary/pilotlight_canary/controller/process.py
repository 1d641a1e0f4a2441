"""The controller's process: contend for the lease, act while it is held, answer all the time."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import aiohttp

from pilotlight.clock import Clock, SystemClock
from pilotlight.errors import PilotlightError
from pilotlight.kube.access import ApiServer, connect
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import LEASE
from pilotlight.kube.kubeconfig import Target, find
from pilotlight.telemetry import configure_logging
from pilotlight_canary.controller.admitting import Admitting
from pilotlight_canary.controller.assembly import keeper_of
from pilotlight_canary.controller.fence import Fence
from pilotlight_canary.controller.gauges import Gauges
from pilotlight_canary.controller.keeper import Keeper
from pilotlight_canary.controller.leadership import Leadership
from pilotlight_canary.controller.lease import Election, Term
from pilotlight_canary.controller.operator import WATCHED, QuietLog, operate
from pilotlight_canary.controller.server import application, listen
from pilotlight_canary.controller.settings import ControllerSettings

logger = logging.getLogger(__name__)

KINDS_PAUSE_S = 5.0


def run(settings: ControllerSettings) -> None:
    """Run until SIGTERM; ends the process.

    Raises:
        UsageError: There is no cluster to be found.
    """
    configure_logging(settings.log_level, json=settings.log_json)
    for library in ("kopf", "httpx"):
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.root.level))
    logging.root.handlers[0].addFilter(QuietLog())
    code = asyncio.run(Process(settings).serve())
    logging.shutdown()
    sys.stdout.flush()
    # A thread that still waits for an answer must not keep the process.
    os._exit(code)


def end_at_once(why: str) -> None:
    """Another one may act from now on."""
    logger.critical("%s: this process ends", why)
    logging.shutdown()
    os._exit(1)


@dataclass
class Process:
    """One replica.

    Args:
        settings: What it was told.
        clock: The machine's.
    """

    settings: ControllerSettings
    clock: Clock = field(default_factory=SystemClock)
    _missing: str = "it has not begun yet"

    async def serve(self) -> int:
        """Serve until told to stop; the exit code."""
        settings = self.settings
        target = find(settings.kubeconfig, settings.context)
        cluster = connect(settings.kubeconfig, settings.context, timeout_s=settings.api_timeout_s)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for signal_ in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_, stop.set)
        with cluster:
            leadership = self._leadership(target)
            fence = Fence(cluster, leadership.is_held)
            gauges = Gauges(leadership.is_held)
            admitting = self._admitting(cluster, target)
            async with contextlib.AsyncExitStack() as stack:
                await self._answer(stack, gauges, leadership, admitting)
                leadership.start()
                try:
                    return await self._lead(stop, target, leadership, fence, gauges, admitting)
                finally:
                    await self._step_down(leadership, fence)

    async def _lead(
        self,
        stop: asyncio.Event,
        target: Target,
        leadership: Leadership,
        fence: Fence,
        gauges: Gauges,
        admitting: Admitting | None,
    ) -> int:
        """Wait for the lease, then act until told to stop."""
        if not await _first(stop, leadership.wait()):
            return 0
        guard = asyncio.create_task(leadership.guard())
        enrolment = admitting.enrolment(fence) if admitting else None
        upkeep = asyncio.create_task(enrolment.keep()) if enrolment else None
        pool = ThreadPoolExecutor(self.settings.threads, thread_name_prefix="look")
        try:
            if not await _first(stop, self._kinds(fence)):
                return 0
            async with aiohttp.ClientSession() as session:
                keeper = keeper_of(
                    self.settings, fence, gauges, session, pool, self.clock, enrolment
                )
                return await self._operate(stop, target, keeper)
        finally:
            guard.cancel()
            if upkeep is not None:
                upkeep.cancel()
            pool.shutdown(wait=False, cancel_futures=True)

    async def _operate(self, stop: asyncio.Event, target: Target, keeper: Keeper) -> int:
        ready = asyncio.Event()
        # kopf takes SIGTERM over; it returns then, or when `stop` was set before.
        operation = asyncio.create_task(
            operate(target, keeper, self.settings.namespaces, stop, ready)
        )
        try:
            await operation
        except Exception:
            logger.exception("the loop has ended")
            return 1
        return 0

    async def _kinds(self, cluster: Fence) -> None:
        """Until the cluster serves all that is watched."""
        while True:
            try:
                missing = await asyncio.to_thread(
                    lambda: [kind for kind in WATCHED if not cluster.serves(kind)]
                )
            except PilotlightError as error:
                self._missing = str(error)
            else:
                self._missing = ", ".join(map(str, missing))
                if not missing:
                    return
                self._missing = f"the cluster serves no {self._missing}"
            logger.warning("waiting: %s", self._missing)
            await asyncio.sleep(KINDS_PAUSE_S)

    async def _answer(
        self,
        stack: contextlib.AsyncExitStack,
        gauges: Gauges,
        leadership: Leadership,
        admitting: Admitting | None,
    ) -> None:
        """Listen on the ports that every replica has."""
        settings = self.settings

        def obstacle() -> str:
            if not leadership.has_word:
                return "the API server has not answered yet"
            if leadership.is_held() and self._missing:
                return self._missing
            if admitting is not None and not admitting.certificate.is_there:
                return "there is no certificate for the webhooks yet"
            return ""

        plain, port = await listen(
            application(gauges.registry, obstacle), settings.host, settings.port
        )
        stack.push_async_callback(plain.cleanup)
        logger.info("answering on port %d", port, extra={"port": port})
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

    def _leadership(self, target: Target) -> Leadership:
        settings = self.settings
        term = Term(settings.lease_s, settings.renew_deadline_s, settings.retry_s)
        # Connections of its own: nothing else may keep an attempt waiting.
        cluster = connect(
            settings.kubeconfig, settings.context, timeout_s=settings.renew_deadline_s / 4
        )
        lease = Reference(LEASE, settings.lease_name, settings.lease_namespace or target.namespace)
        election = Election(cluster, lease, settings.identity, term, self.clock)
        return Leadership(election, term, self.clock, end_at_once)

    def _admitting(self, cluster: ApiServer, target: Target) -> Admitting | None:
        if self.settings.admission_port is None:
            return None
        return Admitting(self.settings, cluster, target.namespace)

    async def _step_down(self, leadership: Leadership, fence: Fence) -> None:
        """Write nothing more, and then let another one lead."""
        quiet = await asyncio.to_thread(fence.close, self.settings.drain_s)
        if not quiet:
            logger.warning("a call is still under way: the lease is left to run out")
        await asyncio.to_thread(lambda: leadership.stop(release=quiet))
        logger.info("stopped")


async def _first(stop: asyncio.Event, waiting: Coroutine[None, None, None]) -> bool:
    """Wait, unless told to stop before; whether it was waited for."""
    awaited = asyncio.create_task(waiting)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({awaited, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if stop.is_set():
        awaited.cancel()
        return False
    awaited.result()
    return True
