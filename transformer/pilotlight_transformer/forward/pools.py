"""The pools of all predictors, and the one look at them now and then."""

import asyncio
import contextlib
import ssl

from pilotlight_transformer.forward.budget import RetryBudget
from pilotlight_transformer.forward.limits import UpstreamLimits
from pilotlight_transformer.forward.pool import Pool
from pilotlight_transformer.pipeline.target import Target

SWEEP_S = 0.5
MAX_POOLS = 256
"""Predictors that are remembered; beyond that those nobody asks are forgotten."""


class Pools:
    """A pool and a retry budget for each address, made when it is first asked for."""

    def __init__(self, limits: UpstreamLimits, tls: ssl.SSLContext | None = None) -> None:
        self.limits = limits
        self._tls = tls
        self._pools: dict[tuple[str, int, str], tuple[Pool, RetryBudget]] = {}
        self._sweeping: asyncio.Task[None] | None = None

    def of(self, target: Target) -> tuple[Pool, RetryBudget]:
        """Where to ask a predictor, and how often once more."""
        key = (target.host, target.port, target.authority if self._tls else "")
        found = self._pools.get(key)
        if found is None:
            self._forget()
            name = target.authority.partition(":")[0] or target.host
            pool = Pool(target.host, target.port, self.limits, tls=self._tls, name=name)
            found = self._pools[key] = (pool, RetryBudget())
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().create_task(self._sweep())
        return found

    def connections(self) -> int:
        """Open to all predictors."""
        return sum(len(pool) for pool, _ in self._pools.values())

    def cut(self) -> None:
        """End every answer that is not complete, with an error."""
        for pool, _ in self._pools.values():
            pool.close()

    async def close(self) -> None:
        """End everything."""
        self.cut()
        if self._sweeping is not None:
            self._sweeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeping

    def _forget(self) -> None:
        if len(self._pools) >= MAX_POOLS:
            for key, (pool, _) in list(self._pools.items()):
                if not len(pool) and not pool.waiting:
                    del self._pools[key]

    async def _sweep(self) -> None:
        limits = self.limits
        while True:
            await asyncio.sleep(min(SWEEP_S, limits.first_byte_s / 4, limits.chunk_s / 4))
            now = asyncio.get_running_loop().time()
            for pool, _ in list(self._pools.values()):
                pool.sweep(now)
