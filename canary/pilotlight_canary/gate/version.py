"""One of a rollout's two versions, as something that can be asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pilotlight.api.gate import Asking
from pilotlight.errors import OperationError
from pilotlight_canary.gate.address import Address
from pilotlight_canary.gate.answer import Failure, Reply
from pilotlight_canary.gate.prompt import Prompt
from pilotlight_canary.gate.server import Server


@dataclass(frozen=True)
class Version:
    """A version, and the name of the model where a prompt gives none."""

    server: Server
    model: str

    async def ask(self, prompt: Prompt, body: dict[str, Any]) -> Reply:
        """Its reply; a failure is one, too."""
        return await self.server.ask(prompt, {"model": self.model, **body})


@asynccontextmanager
async def version(address: Address, key: str, asking: Asking) -> AsyncIterator[Version]:
    """A version that tells its model's name, and so answers at all.

    Raises:
        OperationError: It does not.
        UsageError: The address is none.
    """
    server = Server(
        address,
        api_key=key,
        request_s=asking.request_timeout.total_seconds(),
        concurrency=asking.concurrency,
    )
    async with server:
        model = await server.served_model()
        if isinstance(model, Failure):
            raise OperationError(f"{address} does not answer: {model.kind}, {model.message}")
        yield Version(server, model)
