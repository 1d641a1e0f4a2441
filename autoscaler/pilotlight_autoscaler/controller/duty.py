"""What the warm pools' controller does while it leads."""

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from prometheus_client import CollectorRegistry

from pilotlight.controller.events import Recorder
from pilotlight.controller.fence import Fence
from pilotlight.controller.process import Surroundings as Around
from pilotlight.controller.turns import Turns
from pilotlight.kube.document import Kind
from pilotlight_autoscaler.controller.gauges import Gauges
from pilotlight_autoscaler.controller.keeper import Keeper
from pilotlight_autoscaler.controller.look import Looks
from pilotlight_autoscaler.controller.operator import WATCHED, operate
from pilotlight_autoscaler.controller.publisher import Publisher
from pilotlight_autoscaler.controller.roster import Roster
from pilotlight_autoscaler.controller.rounds import Rounds
from pilotlight_autoscaler.controller.settings import LEASE, WarmPoolSettings
from pilotlight_autoscaler.controller.shares import Shares
from pilotlight_autoscaler.kserve.act import all_targets
from pilotlight_autoscaler.kserve.observe import Observer
from pilotlight_autoscaler.kserve.surroundings import Surroundings
from pilotlight_autoscaler.metrics.sources import Sources
from pilotlight_autoscaler.metrics.store import TraceStore


class WarmPoolDuty:
    """One replica's.

    Args:
        settings: What the process was told.
        around: The cluster, and who leads.
    """

    def __init__(self, settings: WarmPoolSettings, around: Around) -> None:
        self._settings = settings
        self._around = around
        self._gauges = Gauges(around.is_leading)

    @property
    def registry(self) -> CollectorRegistry:
        """Its metrics."""
        return self._gauges.registry

    @property
    def watched(self) -> Sequence[Kind]:
        """Kinds that the cluster has to serve."""
        return WATCHED

    def obstacle(self) -> str:
        """Nothing keeps a replica from being ready."""
        return ""

    async def answer(self, stack: contextlib.AsyncExitStack) -> None:
        """There are no other ports."""

    async def lead(self, cluster: Fence, stop: asyncio.Event) -> None:
        """Keep warm pools until told to stop."""
        settings, around = self._settings, self._around
        pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="look")
        sources = Sources(cluster, settings.prometheus, around.clock)
        keeper = self._keeper(cluster, pool, sources)
        try:
            await operate(around.target, keeper, settings.namespaces, stop)
        finally:
            await keeper.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            sources.close()

    def _keeper(self, cluster: Fence, pool: ThreadPoolExecutor, sources: Sources) -> Keeper:
        settings, clock = self._settings, self._around.clock
        observer = Observer(cluster, clock)
        store, target = TraceStore(cluster), all_targets(cluster, clock)
        shares, roster = Shares(), Roster(cluster, settings.namespaces)
        recorder = Recorder(cluster, LEASE, settings.identity, clock)
        publisher = Publisher(recorder, self._gauges)

        def make(namespace: str, bell: asyncio.Event) -> Rounds:
            around = Surroundings(observer, sources, store, clock)
            looks = Looks(namespace, cluster, around, target, shares, roster, clock)
            turns = Turns(namespace, pool, settings.look_timeout_s)
            return Rounds(namespace, bell, looks, publisher, turns, clock)

        return Keeper(make)
