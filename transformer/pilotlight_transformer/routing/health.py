"""Health of upstreams: asked for every few seconds, away from the requests' way."""

import asyncio
import logging
from collections.abc import Callable, Iterable

import httpx
from prometheus_client import Gauge
from prometheus_client.registry import Collector

from pilotlight_transformer.pipeline.target import Target

logger = logging.getLogger(__name__)

READY = "/v2/health/ready"


class Health:
    """What the last probes said. An upstream that was never asked is held to be well.

    Args:
        falls: Probes in a row that must fail before an upstream counts as down.
    """

    def __init__(self, falls: int = 2) -> None:
        self._falls = falls
        self._failed: dict[str, int] = {}
        self._up = Gauge(
            "pilotlight_transformer_upstream_up",
            "Whether a probed upstream answers its readiness probe",
            ["upstream"],
            registry=None,
        )

    def told(self, name: str, *, well: bool) -> None:
        """A probe has ended."""
        self._failed[name] = 0 if well else self._failed.get(name, 0) + 1
        self._up.labels(name).set(not self.down(name))

    def down(self, name: str) -> bool:
        """Whether an upstream is known not to serve."""
        return self._failed.get(name, 0) >= self._falls

    def keep(self, names: Iterable[str]) -> None:
        """Forget every other upstream."""
        for name in self._failed.keys() - set(names):
            del self._failed[name]
            self._up.remove(name)

    def collectors(self) -> Iterable[Collector]:
        """Its metrics."""
        return (self._up,)


class Prober:
    """Asks upstreams whether they are ready, until it is cancelled.

    Args:
        targets: Which ones; asked anew each time.
        every_s: Seconds between two rounds.
        timeout_s: For one answer.
    """

    def __init__(
        self,
        health: Health,
        targets: Callable[[], Iterable[Target]],
        every_s: float,
        timeout_s: float,
    ) -> None:
        self._health = health
        self._targets = targets
        self._every_s = every_s
        self._timeout_s = timeout_s

    async def run(self) -> None:
        """Probe for ever."""
        async with httpx.AsyncClient(
            timeout=self._timeout_s, trust_env=False, follow_redirects=False
        ) as client:
            while True:
                try:
                    await self.round(client)
                except Exception:
                    logger.exception("a round of probes failed")
                await asyncio.sleep(self._every_s)

    async def round(self, client: httpx.AsyncClient) -> None:
        """Probe each upstream once, all at the same time."""
        targets = {target.name: target for target in self._targets()}
        self._health.keep(targets)
        async with asyncio.TaskGroup() as group:
            for target in targets.values():
                group.create_task(self._probe(client, target))

    async def _probe(self, client: httpx.AsyncClient, target: Target) -> None:
        host = f"[{target.host}]" if ":" in target.host else target.host
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                client.stream(
                    "GET",
                    f"http://{host}:{target.port}{READY}",
                    headers={"host": target.host_header},
                ) as response,
            ):
                well = response.status_code == 200
        except (httpx.HTTPError, TimeoutError, OSError):
            well = False
        self._health.told(target.name, well=well)
