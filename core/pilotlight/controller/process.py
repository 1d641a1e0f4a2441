"""A controller's process: contend for the lease, act while it is held, answer all the time."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client import CollectorRegistry

from pilotlight.clock import Clock, SystemClock
from pilotlight.controller.fence import Fence
from pilotlight.controller.frame import QuietLog
from pilotlight.controller.leadership import Leadership
from pilotlight.controller.lease import Election, Term
from pilotlight.controller.server import application, listen
from pilotlight.controller.settings import ProcessSettings
from pilotlight.errors import PilotlightError
from pilotlight.kube.access import connect
from pilotlight.kube.cluster import Cluster
from pilotlight.kube.document import Kind, Reference
from pilotlight.kube.kinds import LEASE
from pilotlight.kube.kubeconfig import Target, find
from pilotlight.telemetry import configure_logging

logger = logging.getLogger(__name__)

KINDS_PAUSE_S = 5.0


class Duty(Protocol):
    """What a kind of controller does."""

    @property
    def registry(self) -> CollectorRegistry:
        """Its metrics."""
        ...

    @property
    def watched(self) -> Sequence[Kind]:
        """Kinds that the cluster has to serve before it can begin."""
        ...

    def obstacle(self) -> str:
        """Why a replica is not ready, besides the lease and the kinds; empty: it is."""
        ...

    async def answer(self, stack: contextlib.AsyncExitStack) -> None:
        """Listen on the ports that every replica has besides the plain one."""
        ...

    async def lead(self, cluster: Fence, stop: asyncio.Event) -> None:
        """Act until told to stop.

        Args:
            cluster: Written to only while this process leads.
            stop: Set at SIGTERM; kopf may take that signal over, and returns then.
        """
        ...


@dataclass(frozen=True)
class Surroundings:
    """What a duty is made from.

    Args:
        cluster: Read by every replica.
        target: The same API server, and as whom to call it.
        is_leading: Whether this process may act now.
        clock: Of the process.
    """

    cluster: Cluster
    target: Target
    is_leading: Callable[[], bool]
    clock: Clock


def run(settings: ProcessSettings, duty: Callable[[Surroundings], Duty]) -> None:
    """Run until SIGTERM; ends the process.

    Raises:
        UsageError: There is no cluster to be found.
    """
    configure_logging(settings.log_level, json=settings.log_json)
    for library in ("kopf", "httpx"):
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.root.level))
    logging.root.handlers[0].addFilter(QuietLog())
    code = asyncio.run(Process(settings, duty).serve())
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
        make: Its duty.
        clock: The machine's.
    """

    settings: ProcessSettings
    make: Callable[[Surroundings], Duty]
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
            duty = self.make(Surroundings(cluster, target, leadership.is_held, self.clock))
            async with contextlib.AsyncExitStack() as stack:
                await self._answer(stack, leadership, duty)
                leadership.start()
                try:
                    return await self._lead(stop, leadership, fence, duty)
                finally:
                    await self._step_down(leadership, fence)

    async def _lead(
        self, stop: asyncio.Event, leadership: Leadership, fence: Fence, duty: Duty
    ) -> int:
        """Wait for the lease, then act until told to stop."""
        if not await _first(stop, leadership.wait()):
            return 0
        guard = asyncio.create_task(leadership.guard())
        try:
            if not await _first(stop, self._kinds(fence, duty.watched)):
                return 0
            await duty.lead(fence, stop)
        except Exception:
            logger.exception("the loop has ended")
            return 1
        finally:
            guard.cancel()
        return 0

    async def _kinds(self, cluster: Fence, watched: Sequence[Kind]) -> None:
        """Until the cluster serves all that is watched."""
        while True:
            try:
                missing = await asyncio.to_thread(
                    lambda: [kind for kind in watched if not cluster.serves(kind)]
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
        self, stack: contextlib.AsyncExitStack, leadership: Leadership, duty: Duty
    ) -> None:
        """Listen on the ports that every replica has."""

        def obstacle() -> str:
            if not leadership.has_word:
                return "the API server has not answered yet"
            if leadership.is_held() and self._missing:
                return self._missing
            return duty.obstacle()

        plain, port = await listen(
            application(duty.registry, obstacle), self.settings.host, self.settings.port
        )
        stack.push_async_callback(plain.cleanup)
        logger.info("answering on port %d", port, extra={"port": port})
        await duty.answer(stack)

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
