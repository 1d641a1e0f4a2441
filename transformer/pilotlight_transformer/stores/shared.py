"""Redis, for what all replicas share: short deadlines, and one kind of failure."""

from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

T = TypeVar("T")

TIMEOUT_S = 0.5


class SharedUnavailable(Exception):
    """Redis did not answer, or with an error. Each step says what it does then."""


class Shared:
    """A pool of connections to one Redis.

    Args:
        url: redis:// or rediss://; its password is never logged.
    """

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self.client: redis.asyncio.Redis = redis.asyncio.Redis.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            # A pooled connection may have died with its server: one more attempt on a new one.
            retry=Retry(NoBackoff(), 1),
            health_check_interval=30,
        )

    async def script(self, code: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Run a Lua script, sent whole only when Redis does not know it yet.

        Raises:
            SharedUnavailable: It did not run, or nobody knows.
        """
        registered = self.client.register_script(code)
        return await self.ask(registered(keys=list(keys), args=list(arguments)))

    async def ask(self, command: Awaitable[T]) -> T:
        """Await a command of :attr:`client`.

        Raises:
            SharedUnavailable: It did not run, or nobody knows.
        """
        try:
            return await command
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            raise SharedUnavailable(type(error).__name__) from error

    async def close(self) -> None:
        """Close its connections."""
        await self.client.aclose()
