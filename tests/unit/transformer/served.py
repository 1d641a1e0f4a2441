"""A transformer in a process of its own."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from tests.unit.transformer.fronting import CHAT, RawAnswer, RawClient, request, until

ROOT = Path(__file__).parents[3]


class Served:
    """``python -m pilotlight_transformer``. Use it as an async context manager.

    Attributes:
        lines: Of its log, as far as it was read.
    """

    def __init__(self, predictor_port: int, *arguments: object, **environment: str) -> None:
        self._arguments = [
            f"--predictor_host=127.0.0.1:{predictor_port}",
            "--http_port=0",
            "--http-host=127.0.0.1",
            *(str(argument) for argument in arguments),
        ]
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self.lines: list[str] = []
        self.port = 0

    async def __aenter__(self) -> "Served":
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pilotlight_transformer", *self._arguments),
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT), **self._environment},
        )
        self._reading = asyncio.create_task(self._read())
        await until(lambda: self.said("serves port") or self.process.returncode is not None, 30)
        assert self.process.returncode is None, self.lines
        self.port = int(self.messages("serves port")[0].rpartition(" ")[2])
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        assert self._reading is not None
        await self._reading

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process

    def messages(self, part: str) -> list[str]:
        """The log's messages that hold a text."""
        found = [json.loads(line)["message"] for line in self.lines if line.startswith("{")]
        return [message for message in found if part in message]

    def said(self, part: str) -> bool:
        return any(part in line for line in self.lines)

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    async def ended(self, timeout_s: float = 20) -> int:
        """Its exit code."""
        return await asyncio.wait_for(self.process.wait(), timeout_s)

    async def client(self) -> RawClient:
        return await RawClient.connect(self.port)

    async def ask(
        self, path: str = CHAT, body: object = None, method: str = "", **headers: str
    ) -> RawAnswer:
        """A request on a connection of its own."""
        async with await self.client() as client:
            client.write(request(path, body, method, **headers))
            return await client.answer()

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.lines.append(line.decode())
