"""Each worker tells its siblings what it counted, over sockets in a folder of their own."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from pilotlight_transformer.metrics.exposition import merged

logger = logging.getLogger(__name__)

SIBLING_S = 1.0
"""How long a worker waits for another one's figures; who is late is left out of that answer."""
LARGEST = 16 * 2**20


class WorkerMetrics:
    """One worker's end: answers its siblings, and asks them.

    Args:
        folder: Private to the processes of one server.
        number: Of this worker.
        own: Its metrics, in Prometheus' text format.
    """

    def __init__(self, folder: Path, number: int, own: Callable[[], bytes]) -> None:
        self._folder = folder
        self._path = folder / f"worker-{number}.sock"
        self._own = own
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; a socket left by a worker of the same number that died is replaced."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._answer, self._path)

    async def text(self) -> bytes:
        """What all workers counted."""
        others = [path for path in sorted(self._folder.glob("worker-*.sock")) if path != self._path]
        texts = await asyncio.gather(*(_ask(path) for path in others))
        return merged([self._own(), *(text for text in texts if text is not None)])

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self._path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            writer.write(self._own())
            await writer.drain()


async def _ask(path: Path) -> bytes | None:
    try:
        async with asyncio.timeout(SIBLING_S):
            reader, writer = await asyncio.open_unix_connection(path, limit=LARGEST)
            with contextlib.closing(writer):
                return await reader.read(-1)
    except (OSError, TimeoutError) as error:
        logger.warning("a worker did not tell its metrics: %s", error or type(error).__name__)
        return None
