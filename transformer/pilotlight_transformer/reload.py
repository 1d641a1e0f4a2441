"""The pipeline's file, looked at now and then."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from pilotlight.errors import UsageError
from pilotlight_transformer.pipeline.configuration import Configuration, read_configuration

logger = logging.getLogger(__name__)

Use = Callable[[Configuration], Awaitable[None]]


class PipelineFile:
    """Tells when the file says something else, by its content.

    A ConfigMap's file is a symbolic link to another folder after each change; its content is what
    counts. A change is taken when two looks in a row find the same: others write files in place,
    and half of one may be a whole pipeline that lacks its last steps.

    Args:
        path: Of the YAML.
        use: Builds a pipeline and puts it in the old one's place, or raises ``UsageError``.
    """

    def __init__(self, path: Path, use: Use) -> None:
        self._path = path
        self._use = use
        self._seen: bytes | None = None
        self._found: bytes | None = None
        self._guarded = False

    async def load(self) -> None:
        """Read it for the first time.

        Raises:
            UsageError: It cannot be used.
        """
        self._seen = self._found = await asyncio.to_thread(self._digest)
        await self._take()

    async def watch(self, every_s: float) -> None:
        """Look at it again and again; a file that cannot be used changes nothing."""
        while True:
            await asyncio.sleep(every_s)
            await self.look()

    async def look(self) -> None:
        """Look once."""
        digest = await asyncio.to_thread(self._digest)
        settled, self._found = digest == self._found, digest
        if digest is None or digest == self._seen or not settled:
            return
        self._seen = digest
        try:
            await self._take()
        except UsageError as error:
            logger.error("the pipeline stays as it was: %s", error)  # noqa: TRY400
        except Exception:
            # Of what may pass, such as a locked database: the next look tries again.
            self._seen = None
            logger.exception("the pipeline stays as it was: %s cannot be used", self._path)
        else:
            logger.info("the pipeline is now what %s says", self._path)

    async def _take(self) -> None:
        configuration = await asyncio.to_thread(read_configuration, self._path)
        guarded = any(choice.name == "auth" for choice in configuration.steps)
        if self._guarded and not guarded:
            # A file that is being written may be read when half of it is there.
            raise UsageError(
                "the file has no step auth any more, which would open this server to everybody: "
                "start it anew if that is meant"
            )
        await self._use(configuration)
        self._guarded = guarded

    def _digest(self) -> bytes | None:
        try:
            return hashlib.sha256(self._path.read_bytes()).digest()
        except OSError:
            return None
